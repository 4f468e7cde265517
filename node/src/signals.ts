/** Listening to the user's abort signals. */
import { invalid, kindOf } from "./invalid";

/** A signal, as callers pass it: `null` is none, as for `fetch`. */
export type Signal = AbortSignal | null | undefined;

const listening = new WeakMap<AbortSignal, { calls: Set<() => void>; listener: () => void }>();

/**
 * Calls `call` when `signal` is aborted.
 *
 * All calls share one listener per signal, because Node warns of a leak when a signal has more than ten.
 *
 * @returns a function that stops listening
 */
export function onAbort(signal: Signal, call: () => void): () => void {
  if (!signal) return () => {};
  const { calls, listener } = listening.get(signal) ?? listen(signal);
  calls.add(call);
  return () => {
    if (!calls.delete(call) || calls.size > 0) return;
    listening.delete(signal);
    signal.removeEventListener("abort", listener);
  };
}

function listen(signal: AbortSignal) {
  const calls = new Set<() => void>();
  const listener = () => {
    for (const call of calls) call();
  };
  const entry = { calls, listener };
  listening.set(signal, entry);
  signal.addEventListener("abort", listener, { once: true });
  return entry;
}

/** Returns the reason that a call aborted by `signal` rejects with. */
export function reasonOf(signal: AbortSignal): unknown {
  return signal.reason ?? new DOMException("This operation was aborted", "AbortError");
}

/** Throws an {@link InvalidArgumentError} if `signal` is not an AbortSignal. */
export function checkSignal(signal: Signal): void {
  if (signal !== undefined && signal !== null && typeof signal.addEventListener !== "function") {
    invalid(`\`signal\` must be an AbortSignal, not ${kindOf(signal)}`, "signal");
  }
}
