"use strict";
// The one copy of every class: index.mjs hands out these same objects.
const api = require("./dist/replicant.js")("api");

const { Replicate } = api;
// `require("replicant")` is the class itself, with all else as its properties.
for (const name of Object.keys(api)) {
  if (name !== "Replicate") Object.defineProperty(Replicate, name, { value: api[name], enumerable: true });
}
Object.defineProperty(Replicate, "Replicate", { value: Replicate });
Object.defineProperty(Replicate, "default", { value: Replicate });

module.exports = Replicate;
