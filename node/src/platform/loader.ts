/** Finds and loads the native module: beside this file, or in the package for this platform. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, sep } from "node:path";
import { environment, isDenied } from "./runtimes";

/** Returns the targets that fit this machine, the likeliest first: `linux-x64-gnu`, `linux-x64-musl`. */
function targets(): string[] {
  const { platform, arch } = process;
  if (platform === "win32") return [`${platform}-${arch}-msvc`];
  if (platform !== "linux") return [`${platform}-${arch}`];
  // Installers that ignore the `libc` field may install the module for the other one.
  const order = libc() === "musl" ? ["musl", "gnu"] : ["gnu", "musl"];
  return order.map((name) => `${platform}-${arch}-${name}`);
}

/** Ways to tell the C library. process.report would know, but takes long and may query name servers. */
const IS_MUSL = [
  () => readFileSync("/usr/bin/ldd", "latin1").includes("musl"),
  // Images without a shell have no such script.
  () => readdirSync("/lib").some((name) => name.startsWith("ld-musl-")),
];

function libc(): "gnu" | "musl" {
  for (const isMusl of IS_MUSL) {
    try {
      return isMusl() ? "musl" : "gnu";
    } catch {
      // It is missing, or the program may not read it.
    }
  }
  return "gnu";
}

/**
 * Returns the files to resolve packages from. In a bundle, `__filename` may be the bundle, invented or missing, so the
 * program and the working directory are tried too.
 */
export function origins(): string[] {
  const found = startFolders().map((folder) => join(folder, "package.json"));
  if (process.argv[1]) found.unshift(process.argv[1]);
  if (typeof __filename === "string") found.unshift(__filename);
  return [...new Set(found)];
}

/** Returns where the program was started: its working directory, and the folder that AWS Lambda unpacks it into. */
function startFolders(): string[] {
  const task = environment("LAMBDA_TASK_ROOT");
  const found = task ? [task] : [];
  try {
    found.push(process.cwd());
  } catch {
    // It was removed, or the program may not know it.
  }
  return [...new Set(found)];
}

/** Resolves `wanted`, a file of the platform's package, from `origin`. */
function resolve(wanted: string, origin: string): string {
  const require = createRequire(origin);
  try {
    return require.resolve(wanted);
  } catch (error) {
    // With pnpm a package sees only its own dependencies, so resolve it from ours.
    let ours: string;
    try {
      ours = require.resolve("replicant/package.json");
    } catch {
      throw error;
    }
    return createRequire(ours).resolve(wanted);
  }
}

/** The `require` of webpack's output; undefined elsewhere. */
declare const __non_webpack_require__: ((name: string) => unknown) | undefined;

/**
 * Loads the module from inside a webpack bundle. Deployment tools (Next.js, Vercel) scan the bundle for files to ship,
 * and find only names that are written out.
 */
function fromWebpack(name: string): unknown {
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

/** Returns the files that may be the module. */
function places(name: string): string[] {
  const file = `replicant.${name}.node`;
  const found = process.argv[1] ? [join(dirname(process.argv[1]), file)] : [];
  if (typeof __dirname === "string") {
    // The second is the neighboring package, written so that Turbopack and other tracers find it.
    found.unshift(
      join(__dirname, file),
      join(`${__dirname}/../../../replicant-${name}/replicant.${name}.node`),
    );
  }
  return found.filter(mayExist);
}

function mayExist(path: string): boolean {
  try {
    return existsSync(path);
  } catch {
    // Deno throws if the program may not read there. It may load the file.
    return true;
  }
}

/**
 * Loads the native module. The caller states its type.
 *
 * @throws {Error} if no module can be loaded; the message lists the attempts and says what to install
 */
export function loadNative<Native>(): Native {
  const names = targets();
  const tried: string[] = [];
  let disabled = false;
  let denied = false;
  const attempt = (what: string, get: () => unknown): Native | undefined => {
    try {
      return get() as Native | undefined;
    } catch (error) {
      disabled ||= (error as { code?: unknown }).code === "ERR_DLOPEN_DISABLED";
      denied ||= isDenied(error);
      const [reason = ""] = String((error as Error).message).split("\n");
      // Messages of dlopen begin with the path, and several origins may resolve to the same file.
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
    // Last, because a working directory can have files of others. A program that another one imports, as in Lambda, may
    // have no other known place.
    for (const path of startFolders().map((folder) => join(folder, `replicant.${name}.node`))) {
      const native = mayExist(path) && attempt(path, () => open(path));
      if (native) return native;
    }
  }
  const [name] = names;
  const found = `replicant: no native module for ${name} (Node ${process.version}) could be loaded`;
  if (disabled) {
    throw new Error(
      `${found}, because native addons are disabled (--no-addons, or --permission without --allow-addons). ` +
        "The same SDK without one: " +
        'import Replicate from "replicant/web"',
    );
  }
  if (denied) {
    throw new Error(
      `${found}: Deno needs --allow-ffi to load it and may need --allow-read to find it. The same SDK without one: ` +
        'import Replicate from "replicant"',
    );
  }
  throw new Error(
    [
      `${found}. Tried:`,
      ...tried.map((line) => `  ${line}`),
      `Install the package for this machine: npm install replicant-${name}`,
      "If a lockfile made on another system left it out, delete node_modules and the lockfile and install again;",
      "if optional packages are turned off (--omit=optional), turn them on.",
      `If the bundle is deployed without node_modules, put replicant.${name}.node beside the program or into its`,
      'working directory, or import Replicate from "replicant/web", which needs no native module.',
    ].join("\n"),
  );
}

function open(path: string): unknown {
  // Not require: bundlers rewrite it and then miss the file.
  const holder = { exports: {} };
  process.dlopen(holder, path);
  return holder.exports;
}
