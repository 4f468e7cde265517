// Written by scripts/entry.mjs.
export * from "../dist/webhooks/next.js";
