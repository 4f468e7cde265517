// Installs the npm packages of dist/npm by name into an empty project, as a user would, and tests them under the
// Node that runs this. It needs only Node, npm and tar, which all runners of a release have.
import { execFileSync, spawn } from "node:child_process";
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const npm = (args, options) =>
  execFileSync("npm", args, {
    shell: process.platform === "win32",
    stdio: ["ignore", "pipe", "inherit"],
    ...options,
  })
    .toString()
    .trim();

const folder = mkdtempSync(join(tmpdir(), "replicant-try-"));
const registry = spawn(
  process.execPath,
  [join(here, "registry.mjs"), join(here, "../../dist/npm"), npm(["config", "get", "registry"])],
  { stdio: ["pipe", "pipe", "inherit"] },
);
try {
  const url = await new Promise((resolve, reject) => {
    createInterface({ input: registry.stdout }).once("line", resolve);
    registry.once("exit", () => reject(new Error("the registry did not start")));
  });
  writeFileSync(join(folder, "package.json"), '{ "private": true }\n');
  npm(["install", "--no-audit", "--no-fund", `--registry=${url}`, "replicant", "replicant-emulator"], {
    cwd: folder,
  });
  for (const name of ["steps.mjs", "smoke.mjs", "smoke.cjs"]) {
    copyFileSync(join(here, name), join(folder, name));
  }
  for (const name of ["smoke.mjs", "smoke.cjs"]) {
    const output = execFileSync(process.execPath, [name], { cwd: folder, timeout: 120_000 }).toString();
    if (output !== "smoke ok\n") throw new Error(`${name} printed ${output}`);
  }
  console.log(`smoke ok: Node ${process.version}, ${process.platform} ${process.arch}`);
} finally {
  registry.stdin.end();
  rmSync(folder, { recursive: true, force: true });
}
