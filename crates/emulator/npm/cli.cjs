#!/usr/bin/env node
// Runs the program: `npx replicant-emulator`.
"use strict";
const { spawn } = require("node:child_process");
const { binary } = require("./index.cjs");

const child = spawn(binary(), process.argv.slice(2), { stdio: "inherit" });
for (const signal of ["SIGHUP", "SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
child.on("error", (error) => {
  console.error(`error: ${error.message}`);
  process.exitCode = 1;
});
child.on("exit", (code) => {
  process.exitCode = code ?? 1;
});
