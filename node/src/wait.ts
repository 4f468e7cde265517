import { checkSignal, onAbort, type Signal } from "./signals";
import type { Prediction } from "./types";

const ENDED = ["succeeded", "failed", "canceled", "aborted"];

/**
 * Waits for a prediction until `stop` returns true, which ends the waiting and not the prediction. As in the official client,
 * `stop` is called with one state at a time, and not with the last.
 */
export async function waitUntil(
  call: (signal: AbortSignal, observe: (state: unknown) => void) => Promise<Prediction>,
  stop: (prediction: Prediction) => boolean | Promise<boolean>,
  outer: Signal,
): Promise<Prediction> {
  checkSignal(outer);
  const controller = new AbortController();
  const { signal } = controller;
  const follow = () => controller.abort(outer?.reason);
  if (outer?.aborted) follow();
  const ignore = onAbort(outer, follow);
  let stopped: Prediction | undefined;
  let failed: { error: unknown } | undefined;
  /** The running call of `stop`. */
  let asking: Promise<void> | undefined;
  const ask = async (state: Prediction) => {
    try {
      if (!(await stop(state))) return;
      stopped = state;
    } catch (error) {
      failed = { error };
    }
    controller.abort();
  };
  const observe = (state: unknown) => {
    const prediction = state as Prediction;
    if (asking || signal.aborted || ENDED.includes(prediction.status)) return;
    asking = ask(prediction).finally(() => {
      asking = undefined;
    });
  };
  try {
    try {
      return await call(signal, observe);
    } finally {
      // A call of `stop` may outlast the prediction, until it ends or the signal is aborted.
      const aborted = new Promise<void>((resolve) => onAbort(signal, resolve));
      if (!signal.aborted) await Promise.race([asking, aborted]);
      signal.throwIfAborted();
    }
  } catch (error) {
    if (failed) throw failed.error;
    if (stopped) return stopped;
    throw error;
  } finally {
    ignore();
  }
}
