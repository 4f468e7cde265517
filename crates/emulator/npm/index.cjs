// Finds the program replicant-emulator in the package for this platform.
"use strict";
const { readFileSync } = require("node:fs");

/** Returns the names of the platforms that fit this machine, the likeliest first. */
function platforms() {
  const { platform, arch } = process;
  if (platform === "win32") return [`${platform}-${arch}-msvc`];
  if (platform !== "linux") return [`${platform}-${arch}`];
  // Installers that ignore the `libc` field install both.
  const order = isMusl() ? ["musl", "gnu"] : ["gnu", "musl"];
  return order.map((libc) => `${platform}-${arch}-${libc}`);
}

function isMusl() {
  try {
    return readFileSync("/usr/bin/ldd", "latin1").includes("musl");
  } catch {
    return false;
  }
}

/**
 * Returns the path of the program.
 *
 * @throws {Error} if the package for this platform is missing; the message says what to install
 */
function binary() {
  const suffix = process.platform === "win32" ? ".exe" : "";
  const names = platforms();
  for (const name of names) {
    try {
      return require.resolve(`replicant-emulator-${name}/replicant-emulator${suffix}`);
    } catch {}
  }
  throw new Error(
    `replicant-emulator: no program for ${names[0]} is installed: npm install --save-dev replicant-emulator-${names[0]}. ` +
      "If optional packages are turned off (--omit=optional), turn them on; " +
      "if a lockfile made on another system left it out, delete node_modules and the lockfile and install again.",
  );
}

module.exports = { binary };
