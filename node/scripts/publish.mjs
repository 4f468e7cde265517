// Publishes the packages in dist/npm, those of the platforms first because the others depend on them. It skips
// packages that are already published, so a failed release can be resumed. --dry-run only prints the commands;
// --no-provenance is for publishing outside a workflow.
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(fileURLToPath(import.meta.url), "../../..");
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const suffix = `-${version}.tgz`;
const mains = [`replicant-emulator${suffix}`, `replicant${suffix}`];
const files = readdirSync(join(root, "dist/npm")).filter(
  (file) => file.endsWith(suffix) && !mains.includes(file),
);

for (const file of [...files.sort(), ...mains]) {
  const name = file.slice(0, -suffix.length);
  if (published(name)) {
    console.log(`${name}@${version} is already published`);
    continue;
  }
  // `npm install replicant` never installs a release candidate.
  const tag = version.includes("-") ? "next" : "latest";
  const provenance = process.argv.includes("--no-provenance") ? [] : ["--provenance"];
  const command = ["publish", ...provenance, "--access=public", `--tag=${tag}`, join(root, "dist/npm", file)];
  console.log("npm", command.join(" "));
  if (!process.argv.includes("--dry-run")) execFileSync("npm", command, { stdio: "inherit" });
}

function published(name) {
  try {
    execFileSync("npm", ["view", `${name}@${version}`, "version"], { stdio: ["ignore", "pipe", "pipe"] });
    return true;
  } catch (error) {
    if (/E404/.test(error.stderr)) return false;
    throw error;
  }
}
