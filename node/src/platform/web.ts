/** Runtimes with web APIs only, where the core is WebAssembly. */
import type { Platform } from "./platform";
import { contextBinder, environment, hasCacheOption, isBrowser, runtime, webBaseUrl } from "./runtimes";
import { webStream } from "./streams";

let exported: { panicked?: () => string | undefined };

/** Sets the exports of the WebAssembly module. Called before any other module of this package is loaded. */
export function connect(exports: typeof exported): void {
  exported = exports;
}

export const platform: Platform = {
  ...runtime(),
  agent: "replicant-web",
  isBrowser: isBrowser(),
  inWorker: false,
  keepsBackground: false,
  // Looked up for each request, because tests and frameworks replace it.
  fetch: (input, init) => globalThis.fetch(input, init),
  requestInit: {
    // A page cannot read a redirect, and a browser removes the token from one to another origin.
    redirect: isBrowser() ? "follow" : "manual",
    ...(hasCacheOption() ? { cache: "no-store" } : {}),
  },

  // A panic ends the module's function with this exception.
  failureOf: (thrown) =>
    (thrown as Error | null)?.name === "RuntimeError" ? exported.panicked?.() : undefined,
  load: <Core>() => exported as Core,
  env: environment,
  baseUrl: webBaseUrl,
  afterTurn: (callback) => void setTimeout(callback, 0),
  bind: contextBinder(),
  warn: (text) => console.warn(text),
  terminal: () => undefined,
  // A runtime without processes ends nothing that runs; see the option `waitUntil`.
  cancelAtExit: () => () => {},
  pathOf: (url) => url.pathname,
  concat(chunks) {
    const all = new Uint8Array(chunks.reduce((size, chunk) => size + chunk.length, 0));
    let at = 0;
    for (const chunk of chunks) {
      all.set(chunk, at);
      at += chunk.length;
    }
    return all;
  },
  streamedBody(chunks, length) {
    const stream = webStream(chunks);
    // workerd sends the length of a body only if the stream has one.
    const { FixedLengthStream } = globalThis as {
      FixedLengthStream?: new (length: number) => ReadableWritablePair<Uint8Array, Uint8Array>;
    };
    return FixedLengthStream && length !== undefined
      ? stream.pipeThrough(new FixedLengthStream(length))
      : stream;
  },
};
