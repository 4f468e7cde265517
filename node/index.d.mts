// Written by scripts/entry.mjs.
export { Replicate as default } from "./dist/api.js";
export * from "./dist/api.js";
