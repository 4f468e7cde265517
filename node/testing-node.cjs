// Helpers for node:test: `replicant/testing/node`.
"use strict";
const { after, beforeEach } = require("node:test");
const runner = require("./dist/replicant.js")("testing-runner");

exports.useEmulator = (options) => runner.useEmulator({ after, beforeEach }, options);
