/** The native module and its types. */
import { platform } from "./platform";
import type { Abandoning } from "./platform/platform";
import type { Source } from "./source";
import type { Part } from "./value";

/** Receives the messages of native work, identified by the number that the work was started with. */
export type OnMessage = (
  number: number,
  kind: number,
  /** A value, a state, or the fields of an error. */
  json: string | null,
  files: string | null,
  meta: string | null,
  bytes: Uint8Array | null,
) => void;

/** Delivers messages of native threads to this JavaScript thread. */
export interface NativeCompletionChannel extends Abandoning {
  /** Sets whether the channel keeps the process alive. */
  keepProcess(keep: boolean): void;
  /** Continues after the event loop has turned. */
  turned(): void;
}

/** Stops one call. */
export interface NativeCancel {
  cancel(): void;
  /** See `Native.drain`, for one call. Absent in the native module, where nothing ends what follows a call. */
  drain?(limit: number): Promise<void>;
}

/** Items that arrive over time. */
export interface NativeStream {
  /**
   * Returns what has arrived (a JSON batch of items or a piece of bytes), or null if nothing has or the event loop must
   * turn first.
   */
  take(): string | Uint8Array | null;
  /** Starts the stream on the first call, and sends a message when there is something to take or it ended. */
  ready(number: number): void;
  /**
   * Ends the stream and frees its connection. Resolves when the requests that follow, such as a cancel, are sent, or after
   * `limit` milliseconds; the native module has its own limit.
   */
  close(limit?: number): Promise<void>;
}

/** A client of the core. */
export interface NativeClient {
  call(
    number: number,
    operation: string,
    json: string,
    parts: Part[] | undefined,
    cancel: NativeCancel | undefined,
    observed: boolean,
    /** Sends the requests of this call instead of the client's `fetch`. */
    fetch: NativeFetch | undefined,
    follow: Wanted | undefined,
  ): void;
  open(
    operation: string,
    json: string,
    parts: Part[] | undefined,
    fetch: NativeFetch | undefined,
    follow: Wanted | undefined,
  ): NativeStream;
  /** Returns the client's options as JSON, without the token. */
  describe(): string;
  /** Returns what is known of the rate limits as JSON; `null` if requests do not wait for them. */
  rateLimit(): string;
  /** The warnings about the options. */
  readonly warnings: string[];
}

/** What a call reports to JavaScript. */
export interface Wanted {
  /** The number under which {@link OnMessage} receives the records. */
  number: number;
  /** Level of the events. */
  level: string;
  spans: boolean;
  onRequest: boolean;
  onResponse: boolean;
  onRetry: boolean;
}

/** What the native module exports. */
export interface Native {
  NativeCompletionChannel: new (
    onMessage: OnMessage,
    idle: () => void,
    inWorker: boolean,
  ) => NativeCompletionChannel;
  NativeClient: new (
    channel: NativeCompletionChannel,
    options: string,
    parts?: Part[],
    fetch?: NativeFetch,
  ) => NativeClient;
  NativeCancel: new () => NativeCancel;
  /** Returns the result as JSON; undefined also stands for `null`. */
  compute(operation: string, json: string, parts?: Part[]): string | undefined;
  /** Answers a question of a hook: the headers to change as JSON, or null if the hook threw. */
  answer(ask: number, changes: string | null): void;
  /**
   * Resolves when the requests running in the background are done, or after `limit` milliseconds; the native module has
   * its own limit.
   */
  drain(limit?: number): Promise<void>;
  /** Returns the names of all operations and error codes as JSON. */
  contents(): string;
}

/** Sends a request of the core; null aborts the request with that number. */
export type NativeFetch = (
  number: number,
  request: NativeRequest | null,
) => Promise<NativeResponse | undefined>;

/** A request for `fetch` to send. */
export interface NativeRequest {
  /** The method, the URL and the headers (`Accept:*`), a line each. */
  head: string;
  /** A body that is JSON or text. */
  text?: string | null | undefined;
  /** Another body. */
  bytes?: Uint8Array | null | undefined;
  stream?: NativeStream | null | undefined;
}

/** The response to a {@link NativeRequest}, or why there is none. */
export interface NativeResponse {
  status: number;
  /** The name of a header in lower case, its value, the next name: a line each. */
  headers: string;
  /** Its end aborts the request unless it has been called before. */
  pull: Source["pull"];
  /** Web only. The whole body, which `pull` returns too, if it was read with the head: it is small, or not a stream. */
  bytes?: Uint8Array;
  /** Web only. Reads the whole body instead, which takes one promise. */
  whole?: () => Promise<ArrayBuffer>;
  /** Why there is no response. */
  failure?: string;
  /** With a failure: no byte of the request reached the server. */
  neverSent?: boolean;
  /** With a failure: the function itself threw, so the caller gets its exception. */
  raised?: boolean;
}

/** The native module of this process. */
export const native: Native = platform.load<Native>();
