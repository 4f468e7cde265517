// Builds the native module and puts it beside the compiled TypeScript.
// With --release it is optimised and stripped.
import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
const release = process.argv.includes("--release");

const cargo = [
  "build",
  "-p",
  "replicant-node",
  "--lib",
  ...(release ? ["--release"] : []),
  "--message-format=json-render-diagnostics",
];
const messages = execFileSync("cargo", cargo, {
  cwd: root,
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

const target = join(root, "node/dist", `replicant.${triple()}.node`);
mkdirSync(dirname(target), { recursive: true });
// A rename, because overwriting a file that a running Node has mapped would crash it.
copyFileSync(library, `${target}.new`);
renameSync(`${target}.new`, target);
console.log(`native module: ${target}`);

/** The name `src/native.ts` looks for. */
function triple() {
  const { platform, arch } = process;
  if (platform === "win32") return `${platform}-${arch}-msvc`;
  if (platform !== "linux") return `${platform}-${arch}`;
  const ldd = "/usr/bin/ldd";
  return `${platform}-${arch}-${existsSync(ldd) && readFileSync(ldd, "latin1").includes("musl") ? "musl" : "gnu"}`;
}
