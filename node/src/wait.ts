import { onAbort, type Signal } from "./signals";
import type { Prediction } from "./types";

/** Waits for a prediction until `stop` returns true, which ends the waiting and not the prediction. */
export async function waitUntil(
  call: (signal: AbortSignal, observe: (state: unknown) => void) => Promise<Prediction>,
  stop: (prediction: Prediction) => boolean | Promise<boolean>,
  outer: Signal,
): Promise<Prediction> {
  const controller = new AbortController();
  const follow = () => controller.abort(outer?.reason);
  if (outer?.aborted) follow();
  const ignore = onAbort(outer, follow);
  let stopped: Prediction | undefined;
  const observe = async (state: Prediction) => {
    if (stopped === undefined && (await stop(state))) {
      stopped = state;
      controller.abort();
    }
  };
  let failed: { error: unknown } | undefined;
  try {
    return await call(controller.signal, (state) => {
      observe(state as Prediction).catch((error) => {
        failed = { error };
        controller.abort();
      });
    });
  } catch (error) {
    if (failed) throw failed.error;
    if (stopped) return stopped;
    throw error;
  } finally {
    ignore();
  }
}
