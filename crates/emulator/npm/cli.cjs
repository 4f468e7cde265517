#!/usr/bin/env node
// Runs the program: `npx replicant-emulator`.
"use strict";
const { spawn } = require("node:child_process");
const { binary } = require("./index.cjs");

const child = spawn(binary(), process.argv.slice(2), { stdio: "inherit" });
// On Windows, the console tells the child too, which `kill` would end before it deletes its certificate authority.
const pass = process.platform === "win32" ? () => {} : (signal) => child.kill(signal);
for (const signal of ["SIGHUP", "SIGINT", "SIGTERM"]) process.on(signal, pass);
child.on("error", (error) => {
  console.error(`error: ${error.message}`);
  process.exitCode = 1;
});
child.on("exit", (code) => {
  process.exitCode = code ?? 1;
});
