/** The native half, and its types. */
import { load } from "./loader";
import type { Source } from "./source";
import type { Encoded, Part } from "./value";

/** Is told of everything that native threads come to, by the number that the work was given. */
export type Tell = (
  number: number,
  kind: number,
  /** A value, a state, or the fields of an error. */
  json: string | null,
  files: string | null,
  meta: string | null,
  bytes: Uint8Array | null,
) => void;

/** What native threads tell this thread through. */
export interface NativeInbox {
  /** Whether the process is kept. */
  keepProcess(keep: boolean): void;
}

/** Stops one call. */
export interface NativeCancel {
  cancel(): void;
}

/** Items that arrive over time. */
export interface NativeStream {
  /** What has arrived (a JSON batch of items, or a piece of bytes); null when nothing has. */
  take(): string | Uint8Array | null;
  /** Starts on its first call, and tells when there is something to take, or nothing will come. */
  ready(number: number): void;
  /** Ends it and frees its connection. Resolves when what has to be told the API is told. */
  close(): Promise<void>;
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
    /** Carries the requests of this call in place of the client's own `fetch`. */
    fetch: NativeFetch | undefined,
  ): void;
  open(operation: string, json: string, parts?: Part[], fetch?: NativeFetch): NativeStream;
  /** The options in force, as JSON; never the token. */
  describe(): string;
}

/** A running emulator. */
export interface NativeEmulator {
  /** Where it listens and what it signs with, as JSON. */
  addresses(): string;
  /** What it has received, as JSON. */
  requests(): string;
  addFaults(rules: string): void;
  stop(): void;
}

/** The native module. */
export interface Native {
  NativeInbox: new (tell: Tell, idle: () => void) => NativeInbox;
  NativeClient: new (
    inbox: NativeInbox,
    options: string,
    parts?: Encoded["parts"],
    fetch?: NativeFetch,
  ) => NativeClient;
  NativeCancel: new () => NativeCancel;
  NativeEmulator: new (options: string[]) => NativeEmulator;
  compute(operation: string, json: string, parts?: Part[]): string;
  /** Resolves when requests that go on in the background are done, or after `seconds`. */
  drain(seconds: number): Promise<void>;
  /** Names of everything that can be called, and of every error code, as JSON. */
  contents(): string;
}

/** What the core calls to have a request carried by JavaScript; with null, to give one up. */
export type NativeFetch = (
  number: number,
  request: NativeRequest | null,
) => Promise<NativeResponse | undefined>;

/** A request that the core wants to have sent. */
export interface NativeRequest {
  method: string;
  url: string;
  /** Pairs, as JSON. */
  headers: string;
  bytes?: Uint8Array;
  stream?: NativeStream;
}

/** What came of it. */
export interface NativeResponse {
  status: number;
  headers: string;
  pull: Source["pull"];
  failure?: string;
  neverSent?: boolean;
  raised?: boolean;
}

/** The native module of this process. */
export const native: Native = load();
