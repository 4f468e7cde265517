/** Node, and runtimes that load its native modules. */
import { AsyncResource } from "node:async_hooks";
import { Readable } from "node:stream";
import { setImmediate } from "node:timers";
import { fileURLToPath } from "node:url";
import { isMainThread } from "node:worker_threads";
import { setGlobals } from "../globals";
import { cancelAtExit, isEnding } from "./exit";
import { loadNative } from "./loader";
import type { Platform } from "./platform";
import { hold, main } from "./realm";
import { environment } from "./runtimes";
import { webStream } from "./streams";

// What a test environment has removed or hides is that of Node.
setGlobals(
  new Proxy(globalThis, { get: (shown, name) => Reflect.get(shown, name) ?? Reflect.get(main, name) }),
);

export const platform: Platform = {
  name: "Node",
  canLoadNative: false,
  agent: "replicant-node",
  isBrowser: false,
  inWorker: !isMainThread,
  keepsBackground: true,
  fetch: undefined,
  // A framework that caches GETs would return the first state of a prediction forever.
  requestInit: () => ({ redirect: "manual", cache: "no-store" }),

  load: loadNative,
  failureOf: () => undefined,
  // A worker or test runner can have its own `process.env`, so the core does not read the environment.
  env: environment,
  baseUrl: (given) => given,
  // Kept here, because fake timers of tests replace it.
  afterTurn: setImmediate,
  bind: (callback) => AsyncResource.bind(callback as never),
  bindAsync: (callback) => AsyncResource.bind(callback as never),
  isOfRuntime: () => false,
  warn: (text, type) => process.emitWarning(text, { type }),
  terminal: () => (process.stderr.isTTY ? (text) => void process.stderr.write(text) : undefined),
  cancelAtExit,
  isEnding,
  readerOf: () => undefined,
  hold,
  isDisturbed: (stream) => Readable.isDisturbed(stream as never),
  pathOf: fileURLToPath,
  concat: (chunks) => Buffer.concat(chunks),
  // node-fetch and cross-fetch require a stream of Node.
  streamedBody: (chunks) =>
    "Bun" in globalThis || "Deno" in globalThis
      ? webStream(chunks)
      : Readable.from(chunks, { objectMode: false }),
};
