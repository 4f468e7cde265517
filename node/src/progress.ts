import { compute } from "./compute";
import type { Prediction, Progress } from "./types";

/**
 * Returns the progress of a model, from the last progress bar in its logs, or null if they have none.
 *
 * @param logs a prediction or its logs
 * @example
 * await replicate.run(model, { input }, (prediction) => console.log(parseProgressFromLogs(prediction)?.percentage));
 */
export function parseProgressFromLogs(logs: Prediction | string): Progress | null {
  return compute("progress.parse", { logs });
}
