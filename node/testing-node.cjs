// Helpers for node:test: `replicant/testing/node`.
"use strict";
const { after, before, beforeEach } = require("node:test");
const { settle, useEmulator } = require("./dist/replicant.js")("testing-runner");

// Tests that stand beside a suite with an emulator do not use it.
beforeEach(settle);

exports.useEmulator = (options) => useEmulator({ after, before, beforeEach }, options);
