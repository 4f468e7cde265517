// Builds the native module.
//
//   native.mjs                          for this machine, unoptimised, beside the compiled TypeScript
//   native.mjs --release                the same, optimised and stripped
//   native.mjs --dist linux-x64-gnu     optimised, for that platform, into dist/native, for packing
//
// With --dist, Linux modules are linked by zig against the oldest glibc that is supported (or musl), and so
// can be built on any Linux: cargo-zigbuild is needed, and `rustup target add` for other machines than this.
import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { GLIBC, TARGETS } from "./targets.mjs";

const root = join(fileURLToPath(import.meta.url), "../../..");
const { values: options } = parseArgs({
  options: { release: { type: "boolean" }, dist: { type: "string" } },
});
const name = options.dist ?? thisMachine();
const triple = TARGETS[name];
if (triple === undefined) throw new Error(`${name} is none of ${Object.keys(TARGETS).join(", ")}`);

const zig = options.dist !== undefined && name.startsWith("linux");
const cargo = [
  zig ? "zigbuild" : "build",
  "--package=replicant-node",
  "--lib",
  "--message-format=json-render-diagnostics",
  ...(options.release || options.dist ? ["--release"] : []),
  ...(options.dist ? [`--target=${name.endsWith("gnu") ? `${triple}.${GLIBC}` : triple}`] : []),
];
const env = { ...process.env };
// Rust links musl statically unless told otherwise, and a static library cannot be loaded.
if (name.endsWith("musl")) env.RUSTFLAGS = `${env.RUSTFLAGS ?? ""} -C target-feature=-crt-static`;
const messages = execFileSync("cargo", cargo, {
  cwd: root,
  env,
  stdio: ["ignore", "pipe", "inherit"],
  maxBuffer: 1 << 28,
});
const library = messages
  .toString()
  .split("\n")
  .filter((line) => line.startsWith("{"))
  .map((line) => JSON.parse(line))
  .filter((message) => message.reason === "compiler-artifact" && message.target.name === "replicant_node")
  .flatMap((message) => message.filenames)
  .find((file) => /\.(so|dylib|dll)$/.test(file));
if (library === undefined) throw new Error("cargo built no library for replicant-node");

const folder = join(root, options.dist ? "dist/native" : "node/dist");
const target = join(folder, `replicant.${name}.node`);
mkdirSync(folder, { recursive: true });
// A rename, because overwriting a file that a running Node has mapped would crash it.
copyFileSync(library, `${target}.new`);
renameSync(`${target}.new`, target);
console.log(`native module: ${target}`);

/** The name `src/loader.ts` looks for first. */
function thisMachine() {
  const { platform, arch } = process;
  if (platform === "win32") return `${platform}-${arch}-msvc`;
  if (platform !== "linux") return `${platform}-${arch}`;
  const ldd = "/usr/bin/ldd";
  return `${platform}-${arch}-${existsSync(ldd) && readFileSync(ldd, "latin1").includes("musl") ? "musl" : "gnu"}`;
}
