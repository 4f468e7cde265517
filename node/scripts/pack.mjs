// Packs the npm packages into dist/npm: replicant-<version>.tgz, and one for each native module in dist/native, such
// as replicant-linux-x64-gnu-<version>.tgz. With --all it fails if the module of a platform is missing.
import { execFileSync } from "node:child_process";
import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
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

const file = (name) => `replicant.${name}.node`;
const built = names.filter((name) => existsSync(join(root, "dist/native", file(name))));
if (built.length === 0) throw new Error("dist/native is empty: node node/scripts/native.mjs <platform>");
if (process.argv.includes("--all") && built.length < names.length) {
  throw new Error(`dist/native lacks ${names.filter((name) => !built.includes(name)).join(", ")}`);
}
for (const folder of [out, staging]) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
}

for (const name of built) {
  const [os, cpu, libc] = name.split("-");
  const { version, license, repository, homepage, engines } = main;
  const folder = join(staging, `replicant-${name}`);
  mkdirSync(folder, { recursive: true });
  copyFileSync(join(root, "dist/native", file(name)), join(folder, file(name)));
  writeFileSync(
    join(folder, "README.md"),
    `# replicant-${name}\n\nThe native module of [replicant](https://www.npmjs.com/package/replicant) for ${TARGETS[name]}.\nInstall \`replicant\`; it brings the right one.\n`,
  );
  pack(folder, {
    name: `replicant-${name}`,
    version,
    description: `The native module of replicant for ${TARGETS[name]}`,
    license,
    repository,
    homepage,
    engines,
    os: [os],
    cpu: [cpu],
    ...(os === "linux" ? { libc: [libc === "gnu" ? "glibc" : "musl"] } : {}),
    main: file(name),
    files: [file(name)],
  });
}

const folder = join(staging, "replicant");
cpSync(join(root, "node"), join(folder, "node"), {
  recursive: true,
  filter: (source) => !source.endsWith(".node"),
});
copyFileSync(join(root, "node/README.md"), join(folder, "README.md"));
pack(folder, {
  ...main,
  optionalDependencies: Object.fromEntries(names.map((name) => [`replicant-${name}`, main.version])),
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
