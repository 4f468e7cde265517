import { compute } from "./bridge";
import type { Prediction, Progress } from "./types";

/**
 * How far a model has got, as its last progress bar says; null if its logs show none.
 *
 * @param logs a prediction, or its logs
 * @example
 * await replicate.run(model, { input }, (prediction) => console.log(parseProgressFromLogs(prediction)?.percentage));
 */
export function parseProgressFromLogs(logs: Prediction | string): Progress | null {
  return compute("progress.parse", { logs });
}
