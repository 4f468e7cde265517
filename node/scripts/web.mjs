// Writes the files of dist/web that the entry points for the web import.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Writes core.mjs and core.cjs, whose `connect` starts the WebAssembly module and returns `load`, and wasm.mjs and
 * wasm.cjs, which contain the module as text: the only form that every bundler and runtime loads without configuration.
 * The default export of core is `load`, for modules of this package that need no WebAssembly.
 *
 * @param program the text of a program that defines `load`
 */
export function writeWeb(folder, program) {
  const { text, names } = asScript(readFileSync(join(folder, "glue.js"), "utf8"));
  const core = `"use strict";
${program}
define.glue = function (module, exports) {
${text}
Object.assign(exports, { ${names.join(", ")} });
};

let started = false;
/** Starts the core, once, from the module that \`compile\` returns. Returns the function that loads a module of this package. */
function connect(compile) {
  if (!started) {
    const { initSync, ...glue } = load("glue");
    initSync({ module: compile() });
    load("platform/web").connect(glue);
    started = true;
  }
  return load;
}
`;
  write(
    folder,
    "core",
    core,
    "export { connect, load as default };",
    "module.exports = Object.assign(load, { connect });",
  );
  const base64 = readFileSync(join(folder, "replicant.wasm")).toString("base64");
  const wasm = `"use strict";
const text = "${base64}";
/** Compiles the core. */
function compile() {
  if (typeof WebAssembly === "undefined") {
    throw new Error(
      "this runtime has no WebAssembly, which replicant needs; call replicant in a route of your server, and the route from here",
    );
  }
  const bytes = Uint8Array.fromBase64?.(text) ?? Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  return new WebAssembly.Module(bytes);
}
`;
  write(folder, "wasm", wasm, "export { compile };", "module.exports = { compile };");
}

/** Writes a module in both forms, which end with `esm` and `cjs`. */
function write(folder, name, text, esm, cjs) {
  writeFileSync(join(folder, `${name}.mjs`), `${text.replace(/^"use strict";\n/, "")}\n${esm}\n`);
  writeFileSync(join(folder, `${name}.cjs`), `${text}\n${cjs}\n`);
}

/** Returns the minified ES module of `wasm-bindgen` as a script, and its exports: `name: local`, or a name. */
function asScript(glue) {
  const exported = /\bexport\s*\{([^}]*)\};?\s*$/;
  const list = exported.exec(glue)?.[1].split(",") ?? [];
  const names = list.map((entry) => entry.trim().replace(/^(\S+) as (\S+)$/, "$2: $1"));
  const text = glue
    .replace(exported, "")
    // In the edge runtime of Next.js, the module is of another realm than the class.
    .replace(/([\w$]+) instanceof WebAssembly\.Module/g, 'String($1) === "[object WebAssembly.Module]"');
  if (!/\binitSync\b/.test(names.join()) || text === glue || /\bimport\b|\bexport\b/.test(text)) {
    throw new Error("dist/web/glue.js has an unexpected form");
  }
  return { text, names };
}
