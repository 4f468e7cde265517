// Written by scripts/entry.mjs.
export * from "../dist/webhooks/express.js";
