// Concatenates all compiled modules into dist/replicant.js: Node loads one file twice as fast as thirty. It changes
// only the `require` calls between the modules.
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";

const dist = join(fileURLToPath(import.meta.url), "../../dist");
/** Text by module name, dependencies first. */
const modules = new Map();

function add(path) {
  const name = relative(dist, path).split(sep).join("/");
  if (modules.has(name)) return name;
  modules.set(name, undefined);
  const text = readFileSync(`${path}.js`, "utf8")
    .replace(
      /require\("(\.[^"]+)"\)/g,
      (_, target) => `load(${JSON.stringify(add(resolve(dirname(path), target)))})`,
    )
    // A bundler, such as esbuild, may turn the file into an ES module, which has no `require`.
    .replace(/require\(("node:[^"]+")\)/g, "(process.getBuiltinModule?.($1) ?? $&)");
  modules.set(name, text);
  return name;
}

add(join(dist, "api"));
add(join(dist, "testing"));

const definitions = [...modules].map(
  ([name, text]) => `define[${JSON.stringify(name)}] = function (module, exports) {\n${text}};\n`,
);
writeFileSync(
  join(dist, "replicant.js"),
  `"use strict";
const define = {};
const loaded = {};
/** The module of that name, such as "api". */
function load(name) {
  if (loaded[name] === undefined) {
    loaded[name] = { exports: {} };
    define[name](loaded[name], loaded[name].exports);
  }
  return loaded[name].exports;
}
module.exports = load;

${definitions.join("\n")}`,
);

// Declarations of removed modules would be published.
for (const folder of [".", "resources"]) {
  for (const file of readdirSync(join(dist, folder))) {
    const [, name] = file.match(/^([\w-]+)\.(?:js|d\.ts)$/) ?? [];
    const source = join(dist, "../src", folder, `${name}.ts`);
    if (name && name !== "replicant" && !existsSync(source)) rmSync(join(dist, folder, file));
  }
}
