// Writes the entry points: index.mjs, index.d.mts and index.d.cts, which list the exports of `dist/api.js`; those for the
// web in the folder `web`, which differ in how they import the WebAssembly module; and those in the folder `webhooks`.
// With --check it compares them instead, and fails if they are out of date.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const node = join(fileURLToPath(import.meta.url), "../..");
const load = createRequire(import.meta.url)(join(node, "dist/replicant.js"));
const values = Object.keys(load("api")).sort();
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
  "index.mjs": `${note}import "./index.load.mjs";\nimport Replicate from "./index.cjs";\n\nexport default Replicate;\nexport const {\n${values
    .filter((name) => name !== "Replicate")
    .map((name) => `  ${name},\n`)
    .join("")}} = Replicate;\nexport { Replicate };\n`,
  "index.d.mts": `${note}export { Replicate as default } from "./dist/api.js";\nexport * from "./dist/api.js";\n`,
  "index.d.cts": `${note}import {\n${lines("  ")}  Replicate as Client,\n} from "./dist/api.js";\n\ndeclare class Replicate extends Client {}\ndeclare namespace Replicate {\n  export {\n${lines("    ")}    Replicate,\n    Replicate as default,\n  };\n}\nexport = Replicate;\n`,
};

const wasm = {
  workerd: 'import module from "../dist/web/replicant.wasm";',
  "edge-light": 'import module from "../dist/web/replicant.wasm?module";',
  index: 'import { compile } from "../dist/web/wasm.mjs";',
};
for (const [name, line] of Object.entries(wasm)) {
  const start = `${note}import { connect } from "../dist/web/core.mjs";\n${line}\n\n`;
  const load = name === "index" ? "connect(compile)" : "connect(() => module)";
  files[`web/${name}.mjs`] =
    `${start}export const {\n${values.map((name) => `  ${name},\n`).join("")}} = ${load}("api");\nexport { Replicate as default };\n`;
  files[`web/testing${name === "index" ? "" : `.${name}`}.mjs`] =
    `${start}export const { ANY, Emulator } = ${load}("testing");\n`;
}
for (const name of ["index", "testing"]) {
  files[`web/${name}.cjs`] = readFileSync(join(node, `${name}.cjs`), "utf8")
    .replace('"use strict";', '"use strict";\n// Written by scripts/entry.mjs.')
    .replace(
      'require("./dist/replicant.js")',
      'require("../dist/web/core.cjs").connect(require("../dist/web/wasm.cjs").compile)',
    );
}

// `#load`, in package.json, is the build that the same conditions choose for `replicant`.
for (const name of ["index", "express", "fastify", "hono", "next"]) {
  const module = `webhooks/${name}`;
  const names = Object.keys(load(module)).sort().join(", ");
  files[`${module}.mjs`] =
    `${note}import load from "#load";\n\nexport const { ${names} } = load("${module}");\n`;
  files[`${module}.cjs`] = `"use strict";\n${note}module.exports = require("#load")("${module}");\n`;
  files[`${module}.d.mts`] = `${note}export * from "../dist/${module}.js";\n`;
}

let stale = false;
for (const [name, text] of Object.entries(files)) {
  const path = join(node, name);
  mkdirSync(dirname(path), { recursive: true });
  if (process.argv.includes("--check")) {
    if (!existsSync(path) || readFileSync(path, "utf8") !== text) {
      console.error(`${name} is out of date: npm run build && npm run entry`);
      stale = true;
    }
  } else {
    writeFileSync(path, text);
  }
}
process.exitCode = stale ? 1 : 0;
