// The package that is published: packed, installed in another folder, and loaded by every name that it exports, as each
// runtime and bundler loads it. A checkout has files that a package lacks.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { skip } from "../web/support/build.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "replicant-package-"));
after(() => rmSync(folder, { recursive: true }));
const installed = join(folder, "node_modules/replicant");
const write = (name, text) => writeFileSync(join(folder, name), text);

/** Runs a program in the folder of the project. Returns what it printed. */
function run(program, ...words) {
  // With this variable, a program that imports `node:test` reports to the runner of this test.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const options = { cwd: folder, encoding: "utf8", env, stdio: ["ignore", "pipe", "pipe"] };
  try {
    return execFileSync(program, words, {
      ...options,
      shell: program === "npm" && process.platform === "win32",
    });
  } catch (error) {
    throw new Error(`${words.join(" ")}: ${error.stderr}${error.stdout}`);
  }
}

write("package.json", '{ "private": true }');
run("npm", "pack", root, "--ignore-scripts", "--loglevel=error");
const [archive] = readdirSync(folder).filter((name) => name.endsWith(".tgz"));
run(
  "npm",
  "install",
  "--offline",
  "--no-audit",
  "--no-fund",
  "--ignore-scripts",
  "--loglevel=error",
  archive,
);

// The package of this platform, and one that the helpers for Vitest import.
const dist = join(root, "node/dist");
const [module] = readdirSync(dist).filter((name) => name.endsWith(".node"));
const platform = join(folder, "node_modules", module.slice(0, -".node".length).replace(".", "-"));
mkdirSync(platform);
symlinkSync(join(dist, module), join(platform, module));
mkdirSync(join(folder, "node_modules/vitest"));
write("node_modules/vitest/package.json", '{ "type": "module", "exports": "./index.js" }');
write(
  "node_modules/vitest/index.js",
  "export const [afterAll, afterEach, beforeAll, beforeEach] = Array(4).fill(() => {});",
);

const manifest = JSON.parse(readFileSync(join(installed, "package.json"), "utf8"));
const names = Object.keys(manifest.exports)
  .filter((name) => name !== "./package.json" && !(skip && name === "./web"))
  .map((name) => name.replace(".", "replicant"));

/** Returns the files in `value`, a member of the description of the package. */
function filesIn(value) {
  return typeof value === "string" ? [value] : Object.values(value).flatMap(filesIn);
}

test("the package has every file that its description names", { skip }, () => {
  const { main, module, types, bin, typesVersions, exports, imports } = manifest;
  for (const file of filesIn([main, module, types, bin, typesVersions, exports, imports])) {
    assert.ok(existsSync(join(installed, file)), file);
  }
});

test("the package has declarations of its own modules only", () => {
  const files = readdirSync(join(installed, "node/dist"), { recursive: true });
  const declared = files.filter((name) => name.endsWith(".d.ts"));
  assert.ok(declared.length > 20, declared.join());
  const sources = declared.map((name) => join("node/src", name.replace(/d\.ts$/, "ts")));
  assert.deepEqual(
    sources.filter((name) => !existsSync(join(root, name))),
    [],
  );
});

// Loads what a name exports, and checks that a refused argument is an error of the package.
write(
  "check.mjs",
  `export function check(name, exported, { InvalidArgumentError, Replicate }) {
  if (Object.keys(exported).length === 0) throw new Error(name + " exports nothing");
  if (!/webhooks/.test(name)) return;
  const replicate = new Replicate({ auth: "x" });
  for (const webhook of [exported.webhook, exported.apiRoute].filter(Boolean)) {
    if (typeof webhook(replicate, () => {}) !== "function") throw new Error(name + " returns no handler");
    try {
      webhook(5, () => {});
    } catch (error) {
      if (error instanceof InvalidArgumentError && error.argument === "client") continue;
      throw new Error(name + " threw an error of another class: " + error.stack);
    }
    throw new Error(name + " accepts a number as client");
  }
}
`,
);
write(
  "load.mjs",
  `import { check } from "./check.mjs";
const replicant = await import("replicant");
for (const name of process.argv.slice(2)) check(name, await import(name), replicant);
console.log(typeof replicant.FileOutput);
`,
);
write(
  "load.cjs",
  `const replicant = require("replicant");
import("./check.mjs").then(({ check }) => {
  for (const name of process.argv.slice(2)) check(name, require(name), replicant);
  console.log(typeof replicant.FileOutput);
});
`,
);
// Does what runtimes of the web and bundlers do: imports WebAssembly as a module, and, if this has conditions, sets no others.
write(
  "hooks.mjs",
  `import { readFile } from "node:fs/promises";
let conditions;
export function initialize(given) { conditions = given; }
export const resolve = (name, context, next) => next(name.replace(/\\?module$/, ""), conditions ? { ...context, conditions } : context);
export async function load(url, context, next) {
  if (!url.endsWith(".wasm")) return next(url, context);
  const text = (await readFile(new URL(url))).toString("base64");
  const source = "export default new WebAssembly.Module(Buffer.from(" + JSON.stringify(text) + ", 'base64'))";
  return { format: "module", shortCircuit: true, source };
}
`,
);
const hooks = (conditions) => {
  const name = `hooks-${conditions?.join("-") ?? "wasm"}.mjs`;
  const data = JSON.stringify({ data: conditions });
  write(name, `import { register } from "node:module"; register("./hooks.mjs", import.meta.url, ${data});`);
  return ["--import", pathToFileURL(join(folder, name)).href];
};

// `node:test`, which a helper imports, prints too.
const node = (...words) => assert.match(run(process.execPath, ...words), /^function$/m);
// Vitest, its helpers included, is an ES module. Node before 20.19 cannot require those.
const required = names.filter((name) => name !== "replicant/testing/vitest");

test("Node imports and requires every name", () => {
  assert.ok(names.length > 9, names.join());
  node("load.mjs", ...names);
  node("load.cjs", ...required);
});

test("Bun and Deno import and require every name", { skip }, () => {
  for (const condition of ["bun", "deno"]) {
    node(`--conditions=${condition}`, "load.mjs", ...names);
    node(`--conditions=${condition}`, "load.cjs", ...required);
  }
});

test("Workers and the Edge runtime import every name", { skip }, () => {
  for (const condition of ["workerd", "edge-light"]) {
    node(`--conditions=${condition}`, ...hooks(), "load.mjs", ...names);
  }
});

test("bundlers for web pages and for unknown runtimes import every name", { skip }, () => {
  for (const conditions of [["import", "browser"], ["import"]])
    node(...hooks(conditions), "load.mjs", ...names);
});

// Denies what Deno denies a program: variables, files and, unless FFI is set, the native module.
write(
  "deno.cjs",
  `const fs = require("node:fs");
const deny = (what) => { throw Object.assign(new Error("Requires " + what + " access"), { name: "NotCapable" }); };
const { FFI } = process.env;
process.env = new Proxy({}, { get: (_, name) => /^REPLICA/.test(String(name)) ? deny("env") : undefined });
for (const name of ["existsSync", "readFileSync", "readdirSync"]) {
  const real = fs[name];
  fs[name] = (path, ...rest) => (/^.(usr|lib)|\\.node$/.test(path) ? deny("read") : real(path, ...rest));
}
if (!FFI) process.dlopen = () => deny("ffi");
`,
);

test("Deno loads the native module with --allow-ffi alone, and the error names the permission", () => {
  const program = 'console.log(typeof new (require("replicant/native"))({ auth: "x" }).run)';
  const start = ["--require", "./deno.cjs", "-e", program];
  assert.throws(
    () => run(process.execPath, ...start),
    /no native module .*: Deno needs --allow-ffi to load it .* import Replicate from "replicant"/,
  );
  process.env.FFI = "1";
  try {
    node(...start);
  } finally {
    delete process.env.FFI;
  }
});

test("the program runs", () => {
  assert.match(run(process.execPath, join(installed, "node/cli.cjs"), "--version"), /^replicant \d/);
});

test("the declarations of every name are found by both module systems", () => {
  const imports = (list, line) => list.map((name, at) => line(`name${at}`, name)).join("\n");
  const use =
    'export const handler = webhook(new Replicate({ auth: "x" }), async (event): Promise<string> => event.id);';
  const all = (list) => `export const all = [${list.map((_, at) => `name${at}`).join(", ")}];`;
  write(
    "esm.mts",
    `${imports(names, (as, name) => `import * as ${as} from "${name}";`)}
import Replicate from "replicant";
import { webhook } from "replicant/webhooks/hono";
${use}
${all(names)}`,
  );
  write(
    "cjs.cts",
    `${imports(required, (as, name) => `import ${as} = require("${name}");`)}
import Replicate = require("replicant");
import { webhook } from "replicant/webhooks/hono";
${use}
${all(required)}`,
  );
  const compilers = { typescript: ["node16", "bundler"], "typescript-4": ["node16"] };
  for (const [compiler, resolutions] of Object.entries(compilers)) {
    for (const moduleResolution of resolutions) {
      const module = moduleResolution === "bundler" ? "preserve" : "node16";
      const compilerOptions = {
        module,
        moduleResolution,
        target: "es2022",
        strict: true,
        noEmit: true,
        types: [],
      };
      write("tsconfig.json", JSON.stringify({ compilerOptions, files: ["esm.mts", "cjs.cts"] }));
      run(process.execPath, join(root, "node_modules", compiler, "bin/tsc"), "-p", ".");
    }
  }
});
