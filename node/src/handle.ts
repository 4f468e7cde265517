/** Handles: predictions that one process starts and any process follows. */

import { merge, requestParams, runParams } from "./call-options";
import type { Calls } from "./calls";
import { compute } from "./compute";
import { ItemStream, values } from "./item-stream";
import type { RequestOptions } from "./options";
import { shareResponse } from "./responses";
import { conceal, reveal } from "./state";
import type { ModelDefined, Prediction, Progress, Status } from "./types";

/** What a handle consists of, as JSON. It contains no token. */
export interface HandleJSON {
  /** Id of the prediction. */
  id: string;
  /** `owner/name`, or null if it is unknown. */
  model: string | null;
}

/** Where events continue. JSON of about a kilobyte, whose members may change. */
export type HandleCursor = Record<string, unknown>;

/** A change of a prediction. `cursor` is where events continue after it. */
export type HandleEvent = { cursor: HandleCursor } & (
  | { /** New status, while it is not terminal. */ type: "status"; status: Status }
  | { /** New text of the logs. */ type: "logs"; text: string }
  | { /** Progress, from a progress bar in the logs. */ type: "progress"; progress: Progress }
  | {
      /** New item of an output list; an output that is not a list, once it is complete. */
      type: "output";
      /**
       * Position in the output list; an index that came before replaces that item. Null for an output that is not a list,
       * and for the rest of a text whose beginning came as items.
       */
      index: number | null;
      /** The item, with files as `FileOutput`s. */
      output: ModelDefined;
    }
  | { /** The end, successful or not: the last event. */ type: "end"; status: Status; prediction: Prediction }
);

/** Options of a handle's methods that wait. */
export type HandleOptions = Omit<RequestOptions, "timeout"> & {
  /** Time between polls, in milliseconds. Defaults to the client's `pollInterval`, otherwise adaptive. */
  interval?: number | undefined;
  /** Return files in the output as `FileOutput`s. Defaults to the client option. */
  useFileOutput?: boolean | undefined;
};

/** Options of `events`. */
export type HandleEventOptions = HandleOptions & {
  /** An event, or its `cursor`, to continue after it. */
  since?: HandleEvent | HandleCursor | undefined;
};

/** Options of `result`. */
export type HandleResultOptions = HandleOptions & {
  /** How long to wait, in milliseconds. The prediction continues when it passes. */
  timeout?: number | undefined;
};

/**
 * A prediction that continues to run whatever happens to this process. `JSON.stringify(handle)` contains no token, and
 * `replicate.handle()` turns it into a handle again in any process.
 *
 * @example
 * const handle = await replicate.submit("acme/captioner", { input: { image } });
 * const output = await handle.result({ timeout: 600_000 });
 */
export class Handle {
  /** Id of the prediction. */
  readonly id: string;
  /** `owner/name`, or null if it is unknown. */
  readonly model: string | null;

  /** @internal */
  constructor(calls: Calls, { id, model }: HandleJSON) {
    this.id = id;
    this.model = model;
    conceal(this, calls);
  }

  /**
   * Yields the changes of the prediction until it has ended, beginning with its logs and output so far. A failed prediction is
   * not an error here. Failed requests are retried for up to five minutes. Leaving the loop has no effect on the prediction.
   *
   * `GET /predictions/{id}` until the prediction has ended.
   *
   * @param options.since an event, or its `cursor`, after which to continue, in any process: no event is lost or repeated
   * @throws {NotFoundError} if there is no prediction with this id
   * @throws {InvalidArgumentError} if `since` is not a cursor of this prediction
   * @example
   * for await (const event of handle.events()) if (event.type === "logs") process.stderr.write(event.text);
   */
  events(options: HandleEventOptions = {}): AsyncIterableIterator<HandleEvent> {
    const params = merge({ id: this.id }, requestParams(options));
    const calls = reveal<Calls>(this);
    return new ItemStream(values<HandleEvent>(calls, "predictions.watch", params, options?.signal));
  }

  /**
   * Waits for the output and returns it, as `run` does. `GET /predictions/{id}` until the prediction has ended.
   *
   * @throws {PredictionFailedError} if the model failed; `prediction` has its logs
   * @throws {DeadlineError} if `timeout` passed; the prediction continues, so the call can be repeated
   * @throws {OutputExpiredError} if the API has deleted the output, as it does after an hour
   * @throws {NotFoundError} if there is no prediction with this id
   * @throws the reason of `signal` if it was aborted, which has no effect on the prediction
   */
  result<T = ModelDefined>(options: HandleResultOptions = {}): Promise<T> {
    const params = merge({ id: this.id }, runParams(options));
    return reveal<Calls>(this).call("predictions.result", params, { signal: options?.signal });
  }

  /**
   * Returns the prediction as it is now. `GET /predictions/{id}`
   *
   * @throws {NotFoundError} if there is no prediction with this id
   */
  prediction(options: RequestOptions = {}): Promise<Prediction> {
    const params = merge({ id: this.id }, requestParams(options));
    return reveal<Calls>(this).call("predictions.get", params, options);
  }

  /**
   * Cancels the prediction. Has no effect on one that has ended. `POST /predictions/{id}/cancel`
   *
   * @throws {NotFoundError} if there is no prediction with this id
   */
  cancel(options: RequestOptions = {}): Promise<Prediction> {
    const params = merge({ id: this.id }, requestParams(options));
    return reveal<Calls>(this).call("predictions.cancel", params, options);
  }

  /** Returns what the handle consists of. */
  toJSON(): HandleJSON {
    return { id: this.id, model: this.model };
  }
}

/** Returns the handle that a create returns. */
export function submitted(calls: Calls, created: Promise<HandleJSON>): Promise<Handle> {
  // Not `then`, which would cut the stack trace of an error.
  const build = async () => new Handle(calls, await created);
  const handle = build();
  shareResponse(created, handle);
  return handle;
}

/** Returns the handle of an id, of JSON, or of a prediction. */
export function handleOf(calls: Calls, handle: unknown): Handle {
  const plain = handle instanceof Handle ? handle.toJSON() : (handle ?? null);
  return new Handle(calls, compute<HandleJSON>("handle.parse", { handle: plain }));
}
