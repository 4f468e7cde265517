/** Recognizes runtimes with web APIs, and what they offer beyond them. */
import { invalid } from "../invalid";
import type { Platform } from "./platform";

/** Globals that only some runtimes have. */
const globals = globalThis as {
  EdgeRuntime?: string;
  AsyncLocalStorage?: Storage;
  Deno?: { permissions?: { querySync?(wanted: object): { state: string } } };
  process?: {
    env?: Record<string, string | undefined>;
    getBuiltinModule?(name: string): AsyncHooks | undefined;
  };
  navigator?: { userAgent?: string };
  document?: unknown;
  location?: { origin?: string };
  WorkerGlobalScope?: unknown;
};

/** What the module `node:async_hooks` may have. */
interface AsyncHooks {
  AsyncLocalStorage?: Storage;
  AsyncResource?: new (
    name: string,
  ) => {
    runInAsyncScope<T>(callback: (...given: never[]) => T, self: undefined, ...given: never[]): T;
  };
}

/** The class `AsyncLocalStorage`. */
interface Storage {
  bind?: Platform["bind"];
}

/** Names of runtimes by the beginning of their `navigator.userAgent`. */
const AGENTS: readonly (readonly [agent: string, name: string])[] = [
  ["Cloudflare-Workers", "Cloudflare Workers"],
  ["Deno", "Deno"],
  ["Bun", "Bun"],
  ["Node.js", "Node"],
];

/** Returns whether this is a web page or one of its workers. */
export function isBrowser(): boolean {
  const { document, navigator, WorkerGlobalScope } = globals;
  const agent = navigator?.userAgent ?? "";
  return (document !== undefined || WorkerGlobalScope !== undefined) && agent.startsWith("Mozilla/");
}

/** Returns the name of the runtime, and whether it can load native modules. */
export function runtime(): Pick<Platform, "name" | "canLoadNative"> {
  if (globals.EdgeRuntime !== undefined) return { name: "the Edge runtime", canLoadNative: false };
  if (isBrowser()) return { name: "a browser", canLoadNative: false };
  const agent = globals.navigator?.userAgent ?? (globals.process?.getBuiltinModule ? "Node.js" : "");
  const name = AGENTS.find(([start]) => agent.startsWith(start))?.[1] ?? "this runtime";
  return { name, canLoadNative: ["Deno", "Bun", "Node"].includes(name) };
}

/** Returns whether an exception says that a Deno program lacks a permission. The second name is that of Deno 1. */
export function isDenied(thrown: unknown): boolean {
  return ["NotCapable", "PermissionDenied"].includes((thrown as Error | null)?.name ?? "");
}

/** Returns a variable of the environment, where there is one. */
export function environment(name: string): string | undefined {
  try {
    // Reading a variable that the program may not read makes Deno ask its user.
    const state = globals.Deno?.permissions?.querySync?.({ name: "env", variable: name }).state;
    if (state !== undefined && state !== "granted") return undefined;
    return globals.process?.env?.[name] || undefined;
  } catch {
    return undefined;
  }
}

/**
 * Resolves a path, such as that of a proxy, against the origin of the page. Converts the name of a host in another script,
 * for which the core has no tables on the web.
 */
export function webBaseUrl(given: string | undefined): string | undefined {
  const { location } = globals;
  if (typeof given !== "string") return given;
  // Not against `href`: that of a worker made from a Blob has no host. The origin of a local file is "null".
  const origin = location?.origin ?? "null";
  if (given.startsWith("/") && origin !== "null") return new URL(given, origin).href;
  if (isBrowser() && !/^$|^\/|^[a-z][a-z\d+.-]*:/i.test(given)) {
    invalid(
      `\`baseUrl\` must be a path that begins with "/", such as "/api/replicate", or a URL, not ${JSON.stringify(given)}`,
      "baseUrl",
    );
  }
  return /[^\0-\x7f]/.test(given) && URL.canParse?.(given) ? new URL(given).href : given;
}

/** Returns whether `fetch` accepts the option `cache`, which workerd rejects before 2024-11-11. */
export function hasCacheOption(): boolean {
  try {
    new Request("https://example.com", { cache: "no-store" });
    return true;
  } catch {
    return false;
  }
}

/** Returns whether `fetch` can read the Blobs of the program. Those of jsdom lack the method that it calls. */
export function readsBlobs(): boolean {
  return typeof Blob.prototype.stream === "function";
}

/** Returns whether the body of a request may be a stream. */
export function streamsRequests(): boolean {
  // Browsers stream over HTTP/2 only, or not at all.
  if (isBrowser()) return false;
  const init = { method: "POST", body: new ReadableStream(), duplex: "half" };
  // Others send an unknown body as text, with the type of text.
  return !new Request("https://example.com", init).headers.has("content-type");
}

/** Returns `node:async_hooks`, where it exists. */
function asyncHooks(): AsyncHooks | undefined {
  // The Edge runtime of Next.js has the class as a global, and throws when a program reads this member of `process`.
  if (globals.EdgeRuntime !== undefined) return undefined;
  return globals.process?.getBuiltinModule?.("node:async_hooks");
}

/** Returns a function that binds callbacks to the current async context, where the runtime lets programs do so. */
export function contextBinder(): Platform["bind"] {
  const hooks = asyncHooks();
  const { AsyncResource } = hooks ?? {};
  if (AsyncResource) {
    // Several times as fast as `bind` in Node.
    return <Callback extends (...given: never[]) => unknown>(callback: Callback) => {
      const context = new AsyncResource("replicant");
      return ((...given: never[]) => context.runInAsyncScope(callback, undefined, ...given)) as Callback;
    };
  }
  const storage = globals.AsyncLocalStorage ?? hooks?.AsyncLocalStorage;
  return storage?.bind?.bind(storage) ?? ((callback) => callback);
}
