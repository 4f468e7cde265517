/** Promises of what goes on in native threads. */
import { AsyncResource } from "node:async_hooks";
import { type NativeStream, native, type Tell } from "./native";

/** What a call comes to. */
export interface Reply {
  /** The value, unless it is bytes. */
  json: string | null;
  /** Places in it that hold a file's URL, as JSON. */
  files: string | null;
  bytes: Uint8Array | null;
  /** Status and headers of the response, as JSON: `[201, [["content-type", "..."]]]`. */
  meta: string | null;
}

interface Waiting {
  resolve(reply: Reply | undefined): void;
  reject(error: unknown): void;
  observe: ((json: string) => void) | undefined;
}

/** The kinds of news. */
const STATE = 0;
const ANSWER = 1;
const FAILURE = 2;

const waiting = new Map<number, Waiting>();
let last = 0;

const tell: Tell = (number, kind, json, files, meta, bytes) => {
  const one = waiting.get(number);
  if (one === undefined) return;
  if (kind === STATE) {
    one.observe?.(json as string);
    return;
  }
  waiting.delete(number);
  if (waiting.size === 0) inbox.keepProcess(false);
  if (kind === FAILURE) one.reject({ failure: json });
  else one.resolve(kind === ANSWER ? { json, files, meta, bytes } : undefined);
};

/** Of this thread. */
export const inbox = new native.NativeInbox(tell, () => {});

/**
 * Starts native work, and promises what it comes to: undefined if it was stopped, or is at its end.
 * The process is kept until then.
 */
export function expect(
  start: (number: number) => void,
  observe?: (json: string) => void,
): Promise<Reply | undefined> {
  return new Promise((resolve, reject) => {
    last = (last + 1) >>> 0;
    start(last);
    // Called from a native thread, where no `AsyncLocalStorage` has a store.
    waiting.set(last, { resolve, reject, observe: observe && AsyncResource.bind(observe) });
    if (waiting.size === 1) inbox.keepProcess(true);
  });
}

/** Waits until a stream has something to take (true), or nothing will come (false). */
export async function ready(stream: NativeStream): Promise<boolean> {
  return (await expect((number) => stream.ready(number))) !== undefined;
}
