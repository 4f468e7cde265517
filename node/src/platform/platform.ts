/** What differs between runtimes: Node and those that load native modules, and the web. */

/** A function that sends HTTP requests. */
type Send = (input: Request | string, init?: RequestInit) => Promise<Response>;

/** The end of the calls of this JavaScript thread, when its process ends. */
export interface Abandoning {
  /**
   * Abandons all calls of this thread; their promises stay pending. Resolves when the requests that follow, such as
   * cancels, are sent, or after the time that an exit may take.
   */
  abandon(): Promise<void>;
  /** Does the same and blocks the thread meanwhile, so that it runs no hooks. */
  abandonBlocking(): void;
  /** Returns whether no requests, such as cancels, are sent in the background. */
  isIdle(): boolean;
}

/** What a reader of a web stream returns. The library of ES has no type for it. */
export type Read = { done: false; value: unknown } | { done: true; value?: unknown };

/** A runtime. Only the modules in this folder mention what belongs to Node. */
export interface Platform {
  /** Name of the runtime, for messages. */
  readonly name: string;
  /** Whether this is the build for the web in a runtime that can load native modules. */
  readonly canLoadNative: boolean;
  /** Name of this package in the `User-Agent` header. */
  readonly agent: string;
  /** Whether this is a web page, whose users can read a token. */
  readonly isBrowser: boolean;
  /** Whether this thread is not the main one of its process. */
  readonly inWorker: boolean;
  /** Whether requests in the background continue when the caller has its result. */
  readonly keepsBackground: boolean;
  /** Sends the requests of a client without a `fetch`. Undefined if the core has its own HTTP client. */
  readonly fetch: Send | undefined;

  /** Returns the exports of the compiled core. Their type is for the caller to know. */
  load<Core>(): Core;
  /** Returns the fields of the core's error, as JSON, for an exception that lacks them. */
  failureOf(thrown: unknown): string | undefined;
  /** Returns a variable of the environment; undefined if it is empty or cannot be read. */
  env(name: string): string | undefined;
  /** Returns the URL of the API for the one that the user gave. */
  baseUrl(given: string | undefined): string | undefined;
  /** Calls `callback` after the event loop has turned. */
  afterTurn(callback: () => void): void;
  /** Binds `callback` to the current async context. */
  bind<Callback extends (...args: never[]) => unknown>(callback: Callback): Callback;
  /** Binds `callback` to the current async context. It may be called later, but in the same order. */
  bindAsync<Given extends unknown[], Result>(
    callback: (...given: Given) => Promise<Result>,
  ): (...given: Given) => Promise<Result>;
  /** Returns whether `fetch` is that of the runtime, which takes text faster than a `URL`. */
  isOfRuntime(fetch: Send): boolean;
  /** Warns the user. `type` is the name of the warning. */
  warn(text: string, type: string): void;
  /** Returns a function that writes to standard error; undefined if that is not a terminal. */
  terminal(): ((text: string) => void) | undefined;
  /**
   * Abandons the calls if the process ends before the returned function is called, or `owner` is collected.
   */
  cancelAtExit(calls: Abandoning, owner?: object): () => void;
  /** Returns whether the process is ending, so that calls that begin are abandoned. */
  isEnding(): boolean;
  /**
   * Returns a reader for a stream, if there is a better one than its default reader. A chunk is overwritten by the next read.
   */
  readerOf(stream: ReadableStream<unknown>): { read(): Promise<Read>; cancel(): Promise<void> } | undefined;
  /** Returns a function for native code to hold that does not keep the global object of `callback` alive. */
  hold<Callback>(callback: Callback): { callback: Callback; keep(needed: boolean): void };
  /** Returns whether something was read from a stream. */
  isDisturbed(stream: ReadableStream<unknown>): boolean;
  /** Returns the path of a `file:` URL. */
  pathOf(url: URL): string;
  /** Joins chunks. */
  concat(chunks: Uint8Array[]): Uint8Array;
  /**
   * Returns a body of `length` bytes, if known, in the form that implementations of `fetch` accept: a stream, or a Blob
   * where requests cannot be streamed.
   */
  streamedBody(
    chunks: AsyncGenerator<Uint8Array, void, undefined>,
    length: number | undefined,
  ): object | Promise<object>;
  /** Members of `RequestInit` by method: how `fetch` treats redirects and caches. */
  requestInit(method: string): object;
}
