/** Finding and loading the native module: beside this file, or in the package for this platform. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, sep } from "node:path";
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
    // Images without a shell have no such script. process.report would know, but may ask name servers.
    const libraries = existsSync("/lib") ? readdirSync("/lib") : [];
    return libraries.some((name) => name.startsWith("ld-musl-")) ? "musl" : "gnu";
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

/** Webpack's name for the `require` of its output; nowhere else is it defined. */
declare const __non_webpack_require__: ((name: string) => Native) | undefined;

/**
 * The module, where webpack has put this file into a bundle. Those who ship the bundle (Next.js, Vercel) look
 * in it for what else to ship, and find only names that are written out.
 */
function fromWebpack(name: string): Native | undefined {
  if (typeof __non_webpack_require__ !== "function") return undefined;
  switch (name) {
    case "darwin-arm64":
      return __non_webpack_require__("replicant-darwin-arm64/replicant.darwin-arm64.node");
    case "darwin-x64":
      return __non_webpack_require__("replicant-darwin-x64/replicant.darwin-x64.node");
    case "linux-arm64-gnu":
      return __non_webpack_require__("replicant-linux-arm64-gnu/replicant.linux-arm64-gnu.node");
    case "linux-arm64-musl":
      return __non_webpack_require__("replicant-linux-arm64-musl/replicant.linux-arm64-musl.node");
    case "linux-x64-gnu":
      return __non_webpack_require__("replicant-linux-x64-gnu/replicant.linux-x64-gnu.node");
    case "linux-x64-musl":
      return __non_webpack_require__("replicant-linux-x64-musl/replicant.linux-x64-musl.node");
    case "win32-arm64-msvc":
      return __non_webpack_require__("replicant-win32-arm64-msvc/replicant.win32-arm64-msvc.node");
    case "win32-x64-msvc":
      return __non_webpack_require__("replicant-win32-x64-msvc/replicant.win32-x64-msvc.node");
    default:
      return undefined;
  }
}

/** Files that may be the module, of which few exist. */
function places(name: string): string[] {
  const file = `replicant.${name}.node`;
  const found = process.argv[1] ? [join(dirname(process.argv[1]), file)] : [];
  if (typeof __dirname === "string") {
    // The second is the package's neighbour, written so that Turbopack and other tracers understand it.
    found.unshift(
      join(__dirname, file),
      join(`${__dirname}/../../../replicant-${name}/replicant.${name}.node`),
    );
  }
  return found.filter((path) => existsSync(path));
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
  const attempt = (what: string, get: () => Native | undefined): Native | undefined => {
    try {
      return get();
    } catch (error) {
      const [reason = ""] = String((error as Error).message).split("\n");
      // What dlopen says begins with the path, and the same file may be found from several places.
      const line = reason.startsWith(sep) || reason.startsWith(what) ? reason : `${what}: ${reason}`;
      if (!tried.includes(line)) tried.push(line);
      return undefined;
    }
  };
  for (const name of names) {
    for (const path of places(name)) {
      const native = attempt(path, () => open(path));
      if (native) return native;
    }
    const native = attempt(`replicant-${name} from the bundle`, () => fromWebpack(name));
    if (native) return native;
    for (const origin of origins()) {
      const native = attempt(`replicant-${name} from ${origin}`, () =>
        open(resolve(`replicant-${name}/replicant.${name}.node`, origin)),
      );
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

function open(path: string): Native {
  // dlopen rather than require: bundlers rewrite require and then miss the file.
  const holder = { exports: {} };
  process.dlopen(holder, path);
  return holder.exports as Native;
}
