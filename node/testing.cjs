"use strict";
module.exports = require("./dist/replicant.js")("testing");
