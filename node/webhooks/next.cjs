"use strict";
// Written by scripts/entry.mjs.
module.exports = require("#load")("webhooks/next");
