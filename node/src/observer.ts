/** Callbacks of calls: states of a prediction, progress of uploads. */
import type { SaveOptions, UploadProgress } from "./options";
import { reasonOf, type Signal } from "./signals";
import type { Prediction } from "./types";

/** Calls `observe` with each state, and stops the call when it throws or aborts `signal`. */
export class Observer {
  #thrown: { error: unknown } | undefined;

  constructor(
    private readonly observe: (json: string) => void,
    private readonly stop: () => void,
    private readonly signal: Signal,
  ) {}

  readonly notify = (json: string): void => {
    if (this.#thrown) return;
    const wasAborted = this.signal?.aborted;
    try {
      this.observe(json);
      if (!wasAborted && this.signal?.aborted) throw reasonOf(this.signal);
    } catch (error) {
      this.#thrown = { error };
      this.stop();
    }
  };

  /** Throws the exception of the callback, or the reason of the signal that it aborted. */
  rethrow(): void {
    if (this.#thrown) throw this.#thrown.error;
  }
}

type OnUpload = ((upload: UploadProgress) => void) | undefined;

/** Returns an observer that passes uploads to `onUpload` and predictions to `progress`. */
export function progressObserver(
  onUpload: OnUpload,
  progress: (prediction: Prediction) => void = () => {},
): (state: unknown) => void {
  if (!onUpload) return progress as (state: unknown) => void;
  return (state) => {
    // Predictions have no such property.
    if ("upload" in (state as object)) onUpload((state as { upload: UploadProgress }).upload);
    else progress(state as Prediction);
  };
}

/** Returns the signal and observer for a call that uploads files. */
export function uploadOptions(options: { signal?: Signal; onUpload?: OnUpload } | undefined) {
  const { signal, onUpload } = options ?? {};
  return { signal, observe: onUpload && progressObserver(onUpload) };
}

/** Returns the signal and observer for a call that reports the progress of files. */
export function progressOptions(options: SaveOptions | undefined) {
  const { signal, onProgress } = options ?? {};
  return { signal, observe: onProgress as ((state: unknown) => void) | undefined };
}
