// Concatenates all compiled modules into one file: Node loads one file twice as fast as thirty. It changes only the
// `require` calls between the modules. dist/replicant.js is for the native module; if dist/web has the WebAssembly
// module, dist/web/core.mjs and core.cjs are for that one.
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, parse, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { writeWeb } from "./web.mjs";

const dist = join(fileURLToPath(import.meta.url), "../../dist");
// In the same file, because another would have its own classes of errors.
const webhooks = readdirSync(join(dist, "../src/webhooks")).map((file) => `webhooks/${parse(file).name}`);

/**
 * Returns the text of a program that defines `load`, which returns the module of a name such as "api".
 *
 * @param platform the module that stands for `platform/node`
 * @param names the modules that the entry points load
 */
function bundle(platform, names) {
  /** Text by module name, dependencies first. */
  const modules = new Map();
  const add = (path) => {
    const name = relative(dist, path).split(sep).join("/").replace("platform/node", platform);
    if (modules.has(name)) return name;
    modules.set(name, undefined);
    const text = readFileSync(join(dist, `${name}.js`), "utf8")
      .replace(
        /require\("(\.[^"]+)"\)/g,
        (_, target) => `load(${JSON.stringify(add(resolve(dirname(path), target)))})`,
      )
      // A bundler, such as esbuild, may turn the file into an ES module, which has no `require`.
      .replace(/require\(("node:[^"]+")\)/g, "(process.getBuiltinModule?.($1) ?? $&)");
    modules.set(name, text);
    return name;
  };
  for (const name of names) add(join(dist, name));
  const definitions = [...modules].map(
    ([name, text]) => `define[${JSON.stringify(name)}] = function (module, exports) {\n${text}};\n`,
  );
  return `const define = {};
const loaded = {};
/** The module of that name, such as "api". */
function load(name) {
  if (loaded[name] === undefined) {
    loaded[name] = { exports: {} };
    try {
      define[name](loaded[name], loaded[name].exports);
    } catch (error) {
      // The next attempt must fail in the same way, and not find half a module.
      delete loaded[name];
      throw error;
    }
  }
  return loaded[name].exports;
}

${definitions.join("\n")}`;
}

writeFileSync(
  join(dist, "replicant.js"),
  `"use strict";\n${bundle("platform/node", ["api", "testing-runner", "platform/command-line", ...webhooks])}\nmodule.exports = load;\n`,
);
if (existsSync(join(dist, "web/replicant.wasm"))) {
  writeWeb(join(dist, "web"), bundle("platform/web", ["api", "testing", ...webhooks]));
}

// Declarations of removed modules would be published.
for (const folder of [".", "platform", "resources", "webhooks"]) {
  for (const file of readdirSync(join(dist, folder))) {
    const [, name] = file.match(/^([\w-]+)\.(?:js|d\.ts)$/) ?? [];
    const source = join(dist, "../src", folder, `${name}.ts`);
    if (name && name !== "replicant" && !existsSync(source)) rmSync(join(dist, folder, file));
  }
}
