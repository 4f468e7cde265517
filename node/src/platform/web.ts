/** Runtimes with web APIs only, where the core is WebAssembly. */
import type { NativeFetch, NativeStream } from "../native";
import type { Platform } from "./platform";
import {
  contextBinder,
  environment,
  hasCacheOption,
  isBrowser,
  readsBlobs,
  runtime,
  streamsRequests,
  webBaseUrl,
} from "./runtimes";
import { webStream } from "./streams";

/** What the module exports for this one. */
interface Exports {
  panicked?(): string | undefined;
  setHost(functions: typeof host): void;
  poll(): void;
  taskFailed(reason: string): void;
  settled(number: number, stamp: number, value: unknown, failed: boolean): void;
}

let exported: Exports;

/** Sets the exports of the WebAssembly module. Called before any other module of this package is loaded. */
export function connect(exports: Exports): void {
  exported = exports;
  exports.setHost(host);
}

/** Polls the tasks that can continue. An exception ends one of them. */
function resume(): void {
  for (;;) {
    try {
      exported.poll();
      return;
    } catch (thrown) {
      endTask(thrown);
    }
  }
}

/** Reports to the module that the task that it polled has thrown an exception. */
function endTask(thrown: unknown): void {
  exported.taskFailed(String((thrown as Error | null)?.message ?? thrown));
}

/** Reports to the module what the waiting with these numbers is for. The module polls the task that waits. */
function settled(number: number, stamp: number, value: unknown, failed: boolean): void {
  try {
    exported.settled(number, stamp, value, failed);
  } catch (thrown) {
    endTask(thrown);
    resume();
  }
}

/** The functions in `crates/web/src/host.rs`. */
const host = {
  schedule(): void {
    // Twice as fast as `queueMicrotask` in workerd. Made here, because there a promise belongs to a request.
    void Promise.resolve().then(resume);
  },
  settle(promise: PromiseLike<unknown>, number: number, stamp: number): void {
    promise.then(
      (value) => settled(number, stamp, value, false),
      (error) => settled(number, stamp, error, true),
    );
  },
  startTimer(milliseconds: number, number: number, stamp: number): unknown {
    return setTimeout(settled, milliseconds, number, stamp, undefined, false);
  },
  onWake(): unknown {
    if (!returnsToRequest) return undefined;
    let report: (numbers: [number: number, stamp: number]) => void = () => {};
    void new Promise<[number, number]>((resolve) => {
      report = resolve;
    }).then(([number, stamp]) => settled(number, stamp, undefined, false));
    return (number: number, stamp: number) => report([number, stamp]);
  },
  send(
    fetch: NativeFetch,
    request: number,
    head: string,
    text: string | undefined,
    bytes: Uint8Array | undefined,
    stream: NativeStream | undefined,
    number: number,
    stamp: number,
  ): void {
    host.settle(fetch(request, { head, text, bytes, stream }), number, stamp);
  },
};

/** The `fetch` of the runtime, unless a program replaced it before it loaded this package. */
const ownFetch = globalThis.fetch;

const inWorkers = runtime().name === "Cloudflare Workers";
/**
 * Whether what waits for a promise continues in the request that made the promise. Workers with a compatibility date before
 * 2024-10-14 continue it in the request that resolves the promise; there, tasks wait for their timers only.
 */
const returnsToRequest =
  !inWorkers ||
  (globalThis as { Cloudflare?: { compatibilityFlags?: Record<string, boolean> } }).Cloudflare
    ?.compatibilityFlags?.handle_cross_request_promise_resolution === true;

// A page cannot read a redirect, and a browser removes the token from one to another origin.
const plain = { redirect: isBrowser() ? "follow" : "manual" };
const uncached = hasCacheOption() ? { ...plain, cache: "no-store" } : plain;
// Next.js caches all methods. Workers cache only GET, and there the option takes time.
const others = inWorkers ? plain : uncached;

/** Bytes per read of a stream, of which Workers otherwise read 4 KiB at a time. */
const READ = 64 * 1024;
/** Bytes of the first read: most bodies of the API are smaller, and Workers take long to make a larger buffer. */
const FIRST_READ = 4 * 1024;

/** Reads a stream of bytes into one buffer. The module copies a chunk before it reads the next. */
function largeReads(stream: ReadableStream<unknown>): ReturnType<Platform["readerOf"]> {
  let reader: ReadableStreamBYOBReader;
  try {
    reader = stream.getReader({ mode: "byob" });
  } catch {
    // Not of bytes: a stream that a program made.
    return undefined;
  }
  let buffer = new ArrayBuffer(FIRST_READ);
  return {
    async read() {
      const read = await reader.read(new Uint8Array(buffer));
      if (read.value) buffer = read.value.length === FIRST_READ ? new ArrayBuffer(READ) : read.value.buffer;
      return read;
    },
    cancel: () => reader.cancel(),
  };
}

/**
 * Binds a callback to the current async context, which a promise keeps for what follows it. In workerd, `AsyncResource` takes 3 %
 * of the time of a create.
 */
function bindAsync<Given extends unknown[], Result>(
  callback: (...given: Given) => Promise<Result>,
): (...given: Given) => Promise<Result> {
  let waiting: (() => void)[] = [];
  let wake = () => {};
  const listen = async () => {
    for (;;) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
      // A call may make others.
      while (waiting.length > 0) {
        const begun = waiting;
        waiting = [];
        for (const begin of begun) begin();
      }
    }
  };
  void listen();
  return (...given) =>
    new Promise((resolve, reject) => {
      waiting.push(() => void callback(...given).then(resolve, reject));
      wake();
    });
}

/** Collects chunks in a Blob, which a browser may keep on disk. */
async function collect(chunks: AsyncGenerator<Uint8Array, void, undefined>): Promise<object> {
  const inBlob = readsBlobs();
  const parts: (Blob | Uint8Array)[] = [];
  for await (const chunk of chunks) parts.push(inBlob ? new Blob([chunk as BlobPart]) : chunk);
  return inBlob ? new Blob(parts as Blob[]) : platform.concat(parts as Uint8Array[]);
}

export const platform: Platform = {
  ...runtime(),
  agent: "replicant-web",
  isBrowser: isBrowser(),
  inWorker: false,
  keepsBackground: false,
  // Looked up for each request, because tests and frameworks replace it.
  fetch: (input, init) => globalThis.fetch(input, init),
  requestInit: (method) => (method === "GET" ? uncached : others),

  // A panic ends the module's function with this exception.
  failureOf: (thrown) =>
    (thrown as Error | null)?.name === "RuntimeError" ? exported.panicked?.() : undefined,
  load: <Core>() => exported as Core,
  env: environment,
  baseUrl: webBaseUrl,
  afterTurn: (callback) => void setTimeout(callback, 0),
  bind: contextBinder(),
  bindAsync,
  isOfRuntime: (fetch) => fetch === platform.fetch && globalThis.fetch === ownFetch,
  warn: (text) => console.warn(text),
  terminal: () => undefined,
  // A runtime without processes ends nothing that runs; see the option `waitUntil`.
  cancelAtExit: () => () => {},
  isEnding: () => false,
  pathOf: (url) => url.pathname,
  readerOf: inWorkers ? largeReads : () => undefined,
  hold: (callback) => ({ callback, keep: () => {} }),
  isDisturbed(stream) {
    // A polyfill does not tell.
    if (!(stream instanceof ReadableStream)) return false;
    try {
      // Refuses such a stream, and reads nothing of another.
      new Response(stream);
      return false;
    } catch {
      return true;
    }
  },
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
    if (!streamsRequests()) return collect(chunks);
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
