// Packs what is published: dist/npm/replicant-<version>.tgz, and beside it the package with the native
// module of this machine (replicant-linux-x64-gnu ...). A release packs the latter once on each target.
import { execFileSync } from "node:child_process";
import { copyFileSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(fileURLToPath(import.meta.url), "../../..");
const out = join(root, "dist/npm");
const {
  devDependencies: _,
  scripts: __,
  ...main
} = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

/** What a release is built for. */
const TARGETS = [
  "darwin-arm64",
  "darwin-x64",
  "linux-arm64-gnu",
  "linux-arm64-musl",
  "linux-x64-gnu",
  "linux-x64-musl",
  "win32-arm64-msvc",
  "win32-x64-msvc",
];

rmSync(out, { recursive: true, force: true });
execFileSync("npm", ["run", "--silent", "build:release"], { cwd: root, stdio: "inherit" });

for (const file of readdirSync(join(root, "node/dist")).filter((name) => name.endsWith(".node"))) {
  const target = /^replicant\.(.*)\.node$/.exec(file)?.[1];
  if (!TARGETS.includes(target)) throw new Error(`${file} is for none of ${TARGETS.join(", ")}`);
  const [os, cpu, libc] = target.split("-");
  const name = `replicant-${target}`;
  const { version, license, repository, engines } = main;
  const description = `The native module of replicant for ${target}`;
  const platform = {
    name,
    version,
    description,
    license,
    repository,
    engines,
    os: [os],
    cpu: [cpu],
    main: file,
    files: [file],
  };
  if (os === "linux") platform.libc = [libc === "gnu" ? "glibc" : "musl"];
  const folder = join(out, name);
  mkdirSync(folder, { recursive: true });
  copyFileSync(join(root, "node/dist", file), join(folder, file));
  pack(folder, platform);
}

const folder = join(out, "replicant");
for (const path of ["node", "README.md", "LICENSE"]) {
  cpSync(join(root, path), join(folder, path), {
    recursive: true,
    filter: (source) => !source.endsWith(".node"),
  });
}
pack(folder, {
  ...main,
  optionalDependencies: Object.fromEntries(TARGETS.map((target) => [`replicant-${target}`, main.version])),
});

function pack(folder, manifest) {
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
  execFileSync("npm", ["pack", "--silent", "--pack-destination", out], { cwd: folder, stdio: "inherit" });
}
