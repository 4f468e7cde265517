// Writes the entry points that list the exports of `dist/api.js`: index.mjs, index.d.mts and index.d.cts.
// With --check it compares them instead, and fails if they are out of date.
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const node = join(fileURLToPath(import.meta.url), "../..");
const values = Object.keys(createRequire(import.meta.url)(join(node, "dist/replicant.js"))("api")).sort();
const declarations = readFileSync(join(node, "dist/api.d.ts"), "utf8");
const types = [
  ...[...declarations.matchAll(/export (?:type )?\{([^}]*)\}/g)].flatMap(([line, names]) =>
    names
      .split(",")
      .map((name) => name.trim())
      .filter((name) => name !== "" && (line.startsWith("export type") || name.startsWith("type ")))
      .map((name) => name.replace(/^type /, "")),
  ),
  ...[...declarations.matchAll(/export (?:type )?\* from "(.*)"/g)].flatMap(([, file]) =>
    [
      ...readFileSync(join(node, "dist", `${file}.d.ts`), "utf8").matchAll(
        /^export (?:interface|type) (\w+)/gm,
      ),
    ].map(([, name]) => name),
  ),
].sort();
// A name may be both a value and a type.
const rest = [...new Set([...values.filter((name) => name !== "Replicate"), ...types])];
const lines = (indent) => rest.map((name) => `${indent}${name},\n`).join("");
const note = "// Written by scripts/entry.mjs.\n";

const files = {
  "index.mjs": `${note}import Replicate from "./index.cjs";\n\nexport default Replicate;\nexport const {\n${values
    .filter((name) => name !== "Replicate")
    .map((name) => `  ${name},\n`)
    .join("")}} = Replicate;\nexport { Replicate };\n`,
  "index.d.mts": `${note}export { Replicate as default } from "./dist/api.js";\nexport * from "./dist/api.js";\n`,
  "index.d.cts": `${note}import {\n${lines("  ")}  Replicate as Client,\n} from "./dist/api.js";\n\ndeclare class Replicate extends Client {}\ndeclare namespace Replicate {\n  export {\n${lines("    ")}    Replicate,\n    Replicate as default,\n  };\n}\nexport = Replicate;\n`,
};

let stale = false;
for (const [name, text] of Object.entries(files)) {
  const path = join(node, name);
  if (process.argv.includes("--check")) {
    if (readFileSync(path, "utf8") !== text) {
      console.error(`${name} is out of date: npm run build && npm run entry`);
      stale = true;
    }
  } else {
    writeFileSync(path, text);
  }
}
process.exitCode = stale ? 1 : 0;
