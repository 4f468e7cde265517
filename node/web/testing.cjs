"use strict";
// Written by scripts/entry.mjs.
module.exports = require("../dist/web/core.cjs").connect(require("../dist/web/wasm.cjs").compile)("testing");
