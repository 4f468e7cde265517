/** Watching files of an input on their way up. */
import type { Prediction } from "./types";

/** How far one file of an input has got. */
export interface UploadProgress {
  /** Where it stands: `input.image`, `input.images[0]`. */
  place: string;
  /** Its name. */
  name: string;
  /** Bytes sent so far. It begins again at zero when the upload is repeated. */
  loaded: number;
  /** Bytes in all; null where that is not known. */
  total: number | null;
}

/** What a call's observer does with what it is told: uploads to the one, predictions to the other. */
export function observer(
  onUpload: ((upload: UploadProgress) => void) | undefined,
  progress: (prediction: Prediction) => void = () => {},
): (told: unknown) => void {
  if (!onUpload) return progress as (told: unknown) => void;
  return (told) => {
    if (isUpload(told as object)) onUpload((told as Told).upload);
    else progress(told as Prediction);
  };
}

/** How a call that sends files is made. */
export function watched(
  options:
    | { signal?: AbortSignal | undefined; onUpload?: ((upload: UploadProgress) => void) | undefined }
    | undefined,
) {
  const { signal, onUpload } = options ?? {};
  return { signal, observe: onUpload && observer(onUpload) };
}

/** What a call's observer is told of. */
interface Told {
  upload: UploadProgress;
}

/** A prediction has no such member. */
function isUpload(told: object): told is Told {
  return "upload" in told;
}
