// Compiles the programs in `official/` against npm replicate 1.4.0 and against this package under that name: in strict
// mode, with and without `exactOptionalPropertyTypes`, with module resolution of Node and of bundlers. `loose/` needs our
// declarations or no exact optional properties. `ours/`, `compare/`, `alone/` (one program per file), `page/`, `oldest/`
// (with TypeScript 4.9) and the snippets of the READMEs need our declarations.
import { spawn } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "../../..");
const official = dirname(createRequire(import.meta.url).resolve("replicate"));
const out = join(root, "target/types");
const compilers = {
  newest: join(root, "node_modules/typescript/bin/tsc"),
  oldest: join(root, "node_modules/typescript-4/bin/tsc"),
};
const RESOLUTION = {
  nodenext: { module: "nodenext" },
  bundler: { module: "preserve", moduleResolution: "bundler" },
};

/** What the official package declares besides the class. */
const names = [
  ...readFileSync(join(official, "index.d.ts"), "utf8").matchAll(
    /^ {2}(?:export )?(interface|type|function) (\w+)/gm,
  ),
];
const types = new Set(names.filter(([, kind]) => kind !== "function").map(([, , name]) => name));
const functions = new Set(names.filter(([, kind]) => kind === "function").map(([, , name]) => name));
if (types.size < 15 || functions.size < 2)
  throw new Error("the official package's declarations look different");

rmSync(out, { recursive: true, force: true });
for (const packageName of ["official", "ours"]) {
  const folder = join(out, packageName);
  for (const programs of readdirSync(here, { withFileTypes: true })) {
    if (programs.isDirectory() && programs.name !== "plain")
      cpSync(join(here, programs.name), join(folder, programs.name), { recursive: true });
  }
  writeFileSync(
    join(folder, "official/names.mts"),
    `export type { ${[...types].join(", ")} } from "replicate";\nexport { default, ${[...functions].join(", ")} } from "replicate";\n`,
  );
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(packageName === "ours" ? root : official, join(folder, "node_modules/replicate"), "junction");
}

// A program cannot contain two packages with the same name.
const renamed = readFileSync(join(official, "index.d.ts"), "utf8").replace(
  'declare module "replicate"',
  'declare module "official"',
);
writeFileSync(join(out, "ours/compare/official.d.ts"), renamed);

/** Declares what the snippets of the READMEs use and do not declare. */
const PRELUDE = `declare const replicate: Replicate, secret: string;
export default async function () {
`;

/** Returns a snippet as a module: its imports, and its other lines in a function. */
function snippetModule(text) {
  const imports = new Map([["Replicate", 'import Replicate from "replicate";']]);
  const body = [];
  for (const line of text.replaceAll('"replicant"', '"replicate"').split("\n")) {
    const [, names, from] = line.match(/^import (.*) from (.*);$/) ?? [];
    if (from) imports.set(names, line);
    else body.push(line);
  }
  return [...imports.values(), PRELUDE + body.join("\n"), "}"].join("\n");
}

mkdirSync(join(out, "ours/readme"));
for (const file of ["README.md", "node/README.md"]) {
  const readme = readFileSync(join(root, file), "utf8");
  const snippets = [...readme.matchAll(/^```js\n(.*?)^```$/gms)]
    .map(([, text]) => text)
    .filter((text) => !text.includes("replicant/testing"));
  if (snippets.length < 5) throw new Error(`${file} has fewer snippets than expected`);
  for (const [index, text] of snippets.entries()) {
    writeFileSync(join(out, `ours/readme/${file.replace("/", "-")}.${index}.mts`), snippetModule(text));
  }
}

/** Programs by name, each with its sources and compiler options. */
const programs = {};
for (const exact of [false, true]) {
  for (const resolution of Object.keys(RESOLUTION)) {
    const options = { ...RESOLUTION[resolution], exactOptionalPropertyTypes: exact };
    const suffix = `${resolution}${exact ? ".exact" : ""}`;
    programs[`official/${suffix}`] = [["official", ...(exact ? [] : ["loose"])], options];
    programs[`ours/${suffix}`] = [["official", "loose", "ours", "compare"], options];
  }
}
for (const file of readdirSync(join(here, "alone")))
  programs[`ours/alone.${file}`] = [[`alone/${file}`], RESOLUTION.nodenext];

programs["ours/page"] = [
  ["page"],
  { ...RESOLUTION.bundler, lib: ["es2022", "dom"], types: [], skipLibCheck: false },
];

for (const [name, options] of Object.entries({
  nodenext: RESOLUTION.nodenext,
  node10: { module: "commonjs", moduleResolution: "node", esModuleInterop: true },
})) {
  const checked = { ...options, lib: ["es2022", "dom", "dom.iterable"], types: [], skipLibCheck: false };
  programs[`ours/oldest.${name}`] = [["oldest"], checked, compilers.oldest];
}

// The snippets are JavaScript, whose parameters have no types.
programs["ours/readme"] = [["readme"], { ...RESOLUTION.nodenext, noImplicitAny: false }];

const only = process.argv.slice(2);
const results = await Promise.all(
  Object.entries(programs)
    .filter(([name]) => only.length === 0 || only.some((part) => name.includes(part)))
    .map(([name, program]) => compile(name, ...program)),
);
process.exitCode = results.every(Boolean) ? 0 : 1;

async function compile(name, include, options, compiler = compilers.newest) {
  const config = join(out, `${name}.tsconfig.json`);
  const compilerOptions = {
    target: "es2022",
    lib: ["es2023", "dom", "dom.iterable", "dom.asynciterable", "esnext.disposable"],
    strict: true,
    noEmit: true,
    types: ["node"],
    typeRoots: [join(root, "node_modules/@types")],
    ...options,
  };
  writeFileSync(config, JSON.stringify({ compilerOptions, include }));
  const child = spawn(process.execPath, [compiler, "-p", config], {
    cwd: out,
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.on("data", (data) => (output += data));
  const code = await new Promise((resolve) => child.on("close", resolve));
  if (code !== 0) console.error(`== ${name}\n${output}`);
  return code === 0;
}
