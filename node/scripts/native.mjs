// Builds the optimized native module and the emulator for a platform into dist/native, for packing:
// native.mjs linux-x64-gnu
//
// For Linux, they are linked by zig against musl or the oldest supported glibc, so any Linux can build them.
// That takes cargo-zigbuild and, for other processors than this one, `rustup target add`.
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { GLIBC, TARGETS } from "./targets.mjs";

const root = join(fileURLToPath(import.meta.url), "../../..");
const [name] = process.argv.slice(2);
const triple = TARGETS[name];
if (triple === undefined) throw new Error(`${name} is not one of ${Object.keys(TARGETS).join(", ")}`);

const cargo = [
  name.startsWith("linux") ? "zigbuild" : "build",
  "--package=replicant-node",
  "--package=replicant-emulator",
  "--lib",
  "--bin=replicant-emulator",
  "--message-format=json-render-diagnostics",
  "--release",
  `--target=${name.endsWith("gnu") ? `${triple}.${GLIBC}` : triple}`,
];
const env = { ...process.env };
// Rust links musl statically by default, and a static library cannot be loaded.
if (name.endsWith("musl")) env.RUSTFLAGS = `${env.RUSTFLAGS ?? ""} -C target-feature=-crt-static`;
const messages = execFileSync("cargo", cargo, {
  cwd: root,
  env,
  stdio: ["ignore", "pipe", "inherit"],
  maxBuffer: 1 << 28,
});
const files = messages
  .toString()
  .split("\n")
  .filter((line) => line.startsWith("{"))
  .map((line) => JSON.parse(line))
  .filter((message) => message.reason === "compiler-artifact")
  .flatMap((message) => message.filenames);
const built = (pattern) => {
  const file = files.find((path) => pattern.test(path));
  if (file === undefined) throw new Error(`cargo built no file that matches ${pattern}`);
  return file;
};

const folder = join(root, "dist/native");
mkdirSync(folder, { recursive: true });
copyFileSync(built(/replicant_node\.(so|dylib|dll)$/), join(folder, `replicant.${name}.node`));
const suffix = name.startsWith("win32") ? ".exe" : "";
copyFileSync(built(/[/\\]replicant-emulator(\.exe)?$/), join(folder, `replicant-emulator.${name}${suffix}`));
