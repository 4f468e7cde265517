// Packs the npm packages into dist/npm: replicant and replicant-emulator, and one of each for every platform in
// dist/native, such as replicant-linux-x64-gnu. With --all it fails if the files of a platform are missing.
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { TARGETS } from "./targets.mjs";

const root = join(fileURLToPath(import.meta.url), "../../..");
const out = join(root, "dist/npm");
const staging = join(root, "target/npm");
const names = Object.keys(TARGETS);
const {
  devDependencies: _,
  scripts: __,
  ...main
} = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const { version, license, repository, homepage, bugs, engines } = main;

const module = (name) => `replicant.${name}.node`;
const suffix = (name) => (name.startsWith("win32") ? ".exe" : "");
const program = (name) => `replicant-emulator.${name}${suffix(name)}`;
const native = (file) => join(root, "dist/native", file);
const built = names.filter((name) => existsSync(native(module(name))) && existsSync(native(program(name))));
if (built.length === 0) throw new Error("dist/native is empty: node node/scripts/native.mjs <platform>");
if (process.argv.includes("--all") && built.length < names.length) {
  throw new Error(`dist/native lacks ${names.filter((name) => !built.includes(name)).join(", ")}`);
}
for (const folder of [out, staging]) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
}

/** Packs the package of a platform, which contains one file beside its description. */
function packPlatform(parent, what, name, source, file, more) {
  const [os, cpu, libc] = name.split("-");
  const folder = join(staging, `${parent}-${name}`);
  mkdirSync(folder, { recursive: true });
  copyFileSync(native(source), join(folder, file));
  if (what === "program") chmodSync(join(folder, file), 0o755);
  writeFileSync(
    join(folder, "README.md"),
    `# ${parent}-${name}\n\nThe ${what} of [${parent}](https://www.npmjs.com/package/${parent}) for ${TARGETS[name]}.\nInstall \`${parent}\`; it brings the right one.\n`,
  );
  pack(folder, {
    name: `${parent}-${name}`,
    version,
    description: `The ${what} of ${parent} for ${TARGETS[name]}`,
    license,
    repository,
    homepage,
    engines,
    os: [os],
    cpu: [cpu],
    ...(os === "linux" ? { libc: [libc === "gnu" ? "glibc" : "musl"] } : {}),
    ...more,
    files: [file],
  });
}

for (const name of built) {
  packPlatform("replicant", "native module", name, module(name), module(name), { main: module(name) });
  const file = `replicant-emulator${suffix(name)}`;
  // A program in an archive, such as those of Yarn, cannot be started.
  packPlatform("replicant-emulator", "program", name, program(name), file, { preferUnplugged: true });
}

const platforms = (parent) => Object.fromEntries(names.map((name) => [`${parent}-${name}`, version]));

const emulator = join(staging, "replicant-emulator");
cpSync(join(root, "crates/emulator/npm"), emulator, { recursive: true });
copyFileSync(join(root, "crates/emulator/README.md"), join(emulator, "README.md"));
pack(emulator, {
  name: "replicant-emulator",
  version,
  description: "A local server that behaves like Replicate's HTTP API, for tests and examples",
  keywords: ["replicate", "machine-learning", "testing", "emulator"],
  license,
  repository,
  homepage,
  bugs,
  engines,
  type: "commonjs",
  main: "./index.cjs",
  types: "./index.d.cts",
  exports: {
    ".": { types: "./index.d.cts", default: "./index.cjs" },
    "./package.json": "./package.json",
  },
  bin: { "replicant-emulator": "cli.cjs" },
  files: ["*.cjs", "*.cts"],
  optionalDependencies: platforms("replicant-emulator"),
});

const folder = join(staging, "replicant");
cpSync(join(root, "node"), join(folder, "node"), {
  recursive: true,
  filter: (source) => !source.endsWith(".node"),
});
copyFileSync(join(root, "node/README.md"), join(folder, "README.md"));
pack(folder, {
  ...main,
  optionalDependencies: platforms("replicant"),
  // What `replicant/testing` imports, for package managers that hide all other packages from it.
  peerDependencies: { "replicant-emulator": version, vitest: "*" },
  peerDependenciesMeta: { "replicant-emulator": { optional: true }, vitest: { optional: true } },
});

function pack(folder, manifest) {
  copyFileSync(join(root, "LICENSE"), join(folder, "LICENSE"));
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
  execFileSync("npm", ["pack", "--silent", "--pack-destination", out], {
    cwd: folder,
    stdio: ["ignore", "inherit", "inherit"],
    shell: process.platform === "win32",
  });
}
