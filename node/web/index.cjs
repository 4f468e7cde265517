"use strict";
// Written by scripts/entry.mjs.
// Loads the only copy of every class; index.mjs exports these objects too.
const api = require("../dist/web/core.cjs").connect(require("../dist/web/wasm.cjs").compile)("api");

const { Replicate } = api;
// `require("replicant")` returns the class, with the other exports as properties.
for (const name of Object.keys(api)) {
  if (name !== "Replicate") Object.defineProperty(Replicate, name, { value: api[name], enumerable: true });
}
Object.defineProperty(Replicate, "Replicate", { value: Replicate });
Object.defineProperty(Replicate, "default", { value: Replicate });

module.exports = Replicate;
