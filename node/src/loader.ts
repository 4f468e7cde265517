/** Finding and loading the native module: beside this file, or in the package for this platform. */
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { Native } from "./native";

/** What modules are built for on this machine, the likelier first: `linux-x64-gnu`, `linux-x64-musl`. */
function targets(): string[] {
  const { platform, arch } = process;
  if (platform === "win32") return [`${platform}-${arch}-msvc`];
  if (platform !== "linux") return [`${platform}-${arch}`];
  // Installers that do not know the `libc` field bring either module, so the second is worth a try.
  const order = libc() === "musl" ? ["musl", "gnu"] : ["gnu", "musl"];
  return order.map((name) => `${platform}-${arch}-${name}`);
}

function libc(): "gnu" | "musl" {
  try {
    // The dynamic loader's own script; much cheaper than process.report.
    return readFileSync("/usr/bin/ldd", "latin1").includes("musl") ? "musl" : "gnu";
  } catch {
    const report = process.report?.getReport() as { header?: { glibcVersionRuntime?: string } } | undefined;
    return report?.header && !report.header.glibcVersionRuntime ? "musl" : "gnu";
  }
}

/**
 * Files that packages are looked for from. In a bundle, `__filename` is where the bundle is, or is made
 * up, or is missing; so the program and the working directory are asked too.
 */
function origins(): string[] {
  const found = [join(process.cwd(), "package.json")];
  if (process.argv[1]) found.unshift(process.argv[1]);
  if (typeof __filename === "string") found.unshift(__filename);
  return [...new Set(found)];
}

/** The file of the platform's package, as `origin` sees it. */
function resolve(wanted: string, origin: string): string {
  const require = createRequire(origin);
  try {
    return require.resolve(wanted);
  } catch (error) {
    // Where packages see only what they depend on (pnpm), ours sees what the program does not.
    let ours: string;
    try {
      ours = require.resolve("replicant/package.json");
    } catch {
      throw error;
    }
    return createRequire(ours).resolve(wanted);
  }
}

/**
 * Loads the native module.
 *
 * @throws {Error} that says for which platform, where it was looked for, what each attempt failed with, and
 * what to do
 */
export function load(): Native {
  const names = targets();
  const tried: string[] = [];
  const open = (path: string): Native | undefined => {
    try {
      // dlopen rather than require: bundlers rewrite require and then miss the file.
      const holder = { exports: {} };
      process.dlopen(holder, path);
      return holder.exports as Native;
    } catch (error) {
      tried.push(`${path}: ${firstLine(error)}`);
      return undefined;
    }
  };
  for (const name of names) {
    const file = `replicant.${name}.node`;
    const folders = typeof __dirname === "string" ? [__dirname] : [];
    if (process.argv[1]) folders.push(dirname(process.argv[1]));
    for (const folder of new Set(folders)) {
      const path = join(folder, file);
      const native = existsSync(path) ? open(path) : undefined;
      if (native) return native;
    }
    for (const origin of origins()) {
      let path: string;
      try {
        path = resolve(`replicant-${name}/${file}`, origin);
      } catch (error) {
        tried.push(`replicant-${name} from ${origin}: ${firstLine(error)}`);
        continue;
      }
      const native = open(path);
      if (native) return native;
    }
  }
  const [name] = names;
  throw new Error(
    [
      `replicant: no native module for ${name} (Node ${process.version}) could be loaded. Tried:`,
      ...tried.map((line) => `  ${line}`),
      `Install the package for this machine: npm install replicant-${name}`,
      "If a lockfile made on another system left it out, delete node_modules and the lockfile and install again;",
      "if optional packages are turned off (--omit=optional), turn them on.",
      `In a bundle that leaves without node_modules, put replicant.${name}.node beside the program.`,
    ].join("\n"),
  );
}

function firstLine(error: unknown): string {
  return String((error as Error).message).split("\n")[0] ?? "";
}
