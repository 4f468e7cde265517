#!/usr/bin/env node
// Runs the command-line program: `npx replicant`.
"use strict";
require("./dist/replicant.js")("platform/command-line").main();
