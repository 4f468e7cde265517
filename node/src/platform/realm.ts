/** The global object of Node itself, where a test environment such as Jest's gives modules another one. */
import { runInThisContext } from "node:vm";

/** The global object of Node. */
export const main: typeof globalThis = runInThisContext("globalThis") ?? globalThis;

/** A function for native code to hold, and what keeps that function working. */
export interface Held<Callback> {
  callback: Callback;
  /** Keeps the function working while it is needed, although nothing else refers to it. */
  keep(needed: boolean): void;
}

type Hold = <Callback>(callback: Callback) => Held<Callback>;

const weakly = `(callback) => {
  const reference = new WeakRef(callback);
  let kept;
  return {
    callback: (...given) => reference.deref()?.(...given),
    keep(needed) {
      kept = needed ? reference.deref() : undefined;
    },
  };
}`;

/**
 * Returns a function that calls `callback` and does not keep its global object alive: Jest makes one for each file, and native
 * code would keep all of them.
 */
export const hold: Hold =
  main === globalThis ? (callback) => ({ callback, keep: () => {} }) : runInThisContext(weakly);
