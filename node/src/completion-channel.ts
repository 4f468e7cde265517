/** Promises for work that runs on native threads. */
import { type NativeStream, native, type OnMessage } from "./native";
import { platform } from "./platform";

/** The result of a call. */
export interface Reply {
  /** The value as JSON, unless it is bytes. */
  json: string | null;
  /** Paths, as JSON, of the values that are URLs of files. */
  files: string | null;
  bytes: Uint8Array | null;
  /** Status and headers of the response, as JSON: `[201, [["content-type", "..."]]]`. */
  meta: string | null;
}

interface Pending {
  resolve(reply: Reply | undefined): void;
  reject(error: unknown): void;
  observe: ((json: string) => void) | undefined;
}

/** Kinds of messages, as in `crates/node/src/promises.rs`. */
const STATE = 0;
const RESULT = 1;
const FAILURE = 2;
const TURN = 4;
const RECORD = 5;
const UNFOLLOWED = 6;

const pending = new Map<number, Pending>();
/** What receives the records of calls, which background requests may outlive. */
const receivers = new Map<number, (json: string) => void>();
let last = 0;

function nextNumber(): number {
  last = (last + 1) >>> 0;
  return last;
}

const turned = () => channel.turned();

// WebAssembly passes undefined for null.
const onMessage: OnMessage = (number, kind, json = null, files = null, meta = null, bytes = null) => {
  if (kind === TURN) {
    platform.afterTurn(turned);
    return;
  }
  if (kind === RECORD) {
    receivers.get(number)?.(json as string);
    return;
  }
  if (kind === UNFOLLOWED) {
    receivers.delete(number);
    return;
  }
  const call = pending.get(number);
  if (call === undefined) return;
  if (kind === STATE) {
    call.observe?.(json as string);
    return;
  }
  pending.delete(number);
  if (pending.size === 0) keep(false);
  if (kind === FAILURE) call.reject({ failure: json });
  else call.resolve(kind === RESULT ? { json, files, meta, bytes } : undefined);
};

const held = platform.hold(onMessage);
/** The channel of this JavaScript thread. */
export const channel = new native.NativeCompletionChannel(
  held.callback,
  platform.hold(() => {}).callback,
  platform.inWorker,
);

/** Keeps the process, and what receives messages, while calls are pending. */
function keep(needed: boolean): void {
  held.keep(needed);
  channel.keepProcess(needed);
}

/**
 * Starts native work and returns a promise of its result: undefined if the work was stopped or its stream ended.
 * The process stays alive until the promise settles.
 */
export function complete(
  start: (number: number) => void,
  observe?: (json: string) => void,
): Promise<Reply | undefined> {
  return new Promise((resolve, reject) => {
    const number = nextNumber();
    start(number);
    // The channel calls from a native thread, which has no async context: bind the observer to the caller's.
    pending.set(number, { resolve, reject, observe: observe && platform.bind(observe) });
    if (pending.size === 1) keep(true);
  });
}

/** Registers `receive` for the records of the returned number, in the current async context. */
export function follow(receive: (json: string) => void): number {
  const number = nextNumber();
  receivers.set(number, platform.bind(receive));
  return number;
}

/** Waits until `stream` has something to take. Returns false if it ended instead. */
export async function ready(stream: NativeStream): Promise<boolean> {
  return (await complete((number) => stream.ready(number))) !== undefined;
}

/** Waits for the next batch of `stream`. Returns null if it ended. */
export async function takeNext(stream: NativeStream): Promise<string | Uint8Array | null> {
  // Nothing can be taken after `ready` if the event loop must turn first.
  while (await ready(stream)) {
    const taken = stream.take();
    if (taken !== null) return taken;
  }
  return null;
}
