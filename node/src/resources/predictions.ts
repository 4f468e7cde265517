import { merge, requestParams, runParams, singleParams, WITH_INPUT } from "../call-options";
import type { Params } from "../compute";
import { EventStream } from "../events";
import { ItemStream, values } from "../item-stream";
import { uploadOptions } from "../observer";
import type { ListOptions, OutputOptions, PredictionOptions, RequestOptions, WaitOption } from "../options";
import { list, type PagePromise } from "../page";
import type { ModelDefined, Page, Prediction } from "../types";
import { Resource } from "./resource";

/** Options of every method that creates a prediction. */
export type PredictionInput = RequestOptions &
  PredictionOptions & {
    /** Have the API hold the response until the prediction ends: `true`, or for how many seconds (1 to 60). */
    wait?: boolean | number | WaitOption | undefined;
  };

/** Options of `predictions.create`. */
export type PredictionCreateOptions = PredictionInput &
  (
    | {
        /** Version id, `owner/name:id`, or `owner/name` of an official model. */
        version: string;
        model?: string;
        deployment?: string;
      }
    | { /** `owner/name`. */ model: string; version?: string; deployment?: string }
    | { /** `owner/name` of a deployment. */ deployment: string; model?: string; version?: string }
  );

/** Options of `predictions.list`. */
export type PredictionListOptions = ListOptions & {
  /** Include predictions created at or after this time (ISO 8601 or Date). */
  created_after?: string | Date | undefined;
  /** Include predictions created before this time (ISO 8601 or Date). */
  created_before?: string | Date | undefined;
  /** Include only predictions created on the website, of the last 14 days. */
  source?: "web" | undefined;
};

/** Methods of predictions. */
export class Predictions extends Resource {
  /**
   * Creates a prediction. Without `wait` it does not wait for the end, and the status is usually `starting`.
   *
   * `POST /predictions`, or `POST /models/{owner}/{name}/predictions` if only `model` is given.
   *
   * @throws {UnprocessableEntityError} if the input is invalid; see `invalidFields`
   * @throws {OutcomeUnknownError} if the request was sent and no response arrived
   * @example
   * await replicate.predictions.create({ model: "meta/meta-llama-3-8b-instruct", input: { prompt: "Hi" } });
   */
  create<T = ModelDefined>(options: PredictionCreateOptions): Promise<Prediction<T>>;
  create<_T = ModelDefined>(options: PredictionCreateOptions): Promise<Prediction>;
  create(options: PredictionCreateOptions): Promise<Prediction> {
    return this.calls.call("predictions.create", requestParams(options, WITH_INPUT), uploadOptions(options));
  }

  /**
   * Returns a prediction. `GET /predictions/{id}`
   *
   * @throws {NotFoundError} if it does not exist
   */
  get<T = ModelDefined>(id: string, options?: RequestOptions): Promise<Prediction<T>>;
  get<_T = ModelDefined>(id: string, options?: RequestOptions): Promise<Prediction>;
  get(id: string, options: RequestOptions = {}): Promise<Prediction> {
    return this.calls.call("predictions.get", singleParams({ id }, options), options);
  }

  /**
   * Cancels a prediction. Has no effect on one that has ended. `POST /predictions/{id}/cancel`
   *
   * @throws {NotFoundError} if there is no such prediction
   */
  cancel<T = ModelDefined>(id: string, options?: RequestOptions): Promise<Prediction<T>>;
  cancel<_T = ModelDefined>(id: string, options?: RequestOptions): Promise<Prediction>;
  cancel(id: string, options: RequestOptions = {}): Promise<Prediction> {
    return this.calls.call("predictions.cancel", singleParams({ id }, options), options);
  }

  /**
   * Lists the predictions of this account, newest first, 100 per page. `GET /predictions`
   *
   * @throws {AuthenticationError} if the API refuses the token
   */
  list<P extends PagePromise<Prediction> = PagePromise<Prediction>>(options?: PredictionListOptions): P;
  list<_P extends PagePromise<Prediction> = PagePromise<Prediction>>(
    options?: PredictionListOptions,
  ): Promise<Page<Prediction>>;
  list(options: PredictionListOptions = {}): PagePromise<Prediction> {
    return list(this.calls, "predictions.list", requestParams(options), options);
  }

  /**
   * Polls a prediction until it has ended, and returns it. `GET /predictions/{id}`
   *
   * @param options.interval time between polls, in milliseconds
   * @param options.timeout how long to wait, in milliseconds
   * @throws {PredictionFailedError} if the prediction failed
   * @throws {DeadlineError} if `timeout` passed; the prediction continues
   */
  wait<T = ModelDefined>(
    prediction: Prediction<T> | string,
    options?: RequestOptions & { interval?: number | undefined },
  ): Promise<Prediction<T>>;
  wait<_T = ModelDefined>(
    prediction: Prediction | string,
    options?: RequestOptions & { interval?: number | undefined },
  ): Promise<Prediction>;
  wait(
    prediction: Prediction | string,
    options: RequestOptions & { interval?: number | undefined } = {},
  ): Promise<Prediction> {
    return this.calls.call("predictions.wait", merge(which(prediction), runParams(options)), options);
  }

  /**
   * Converts the files in an output to {@link FileOutput}s. Sends no request.
   *
   * @param output the `output` of a prediction
   */
  output<T = ModelDefined>(output: unknown): Promise<T> {
    return this.calls.call("predictions.output", { output });
  }

  /**
   * Streams the events of an existing prediction. `GET` of its `urls.stream`
   *
   * @throws {StreamUnsupportedError} if the model has no stream
   * @throws {StreamInterruptedError} if the stream broke and could not be resumed
   * @throws {NotFoundError} if there is no such prediction
   * @throws {PredictionFailedError} if the prediction failed
   */
  stream(prediction: Prediction | string, options: OutputOptions = {}): EventStream {
    const params = merge(which(prediction), requestParams(options));
    return new EventStream(this.calls, "predictions.stream", params, false, options?.signal);
  }

  /**
   * Yields the items of an output list while the model writes it. Polls `GET /predictions/{id}`.
   *
   * @param options.interval time between polls, in milliseconds
   * @throws {PredictionFailedError} after the last item, if the prediction failed
   * @throws {NotFoundError} if there is no such prediction
   */
  outputIterator<T = ModelDefined>(
    prediction: Prediction | string,
    options: OutputOptions & { interval?: number | undefined } = {},
  ): AsyncIterableIterator<T> {
    const params = merge(which(prediction), requestParams(options));
    return new ItemStream(values<T>(this.calls, "predictions.output_iterator", params, options?.signal));
  }
}

function which(prediction: Prediction | string): { id?: string; prediction?: Prediction } {
  return typeof prediction === "string" ? { id: prediction } : { prediction };
}

/** Returns the options and parameters of a create that takes `owner, name` or `owner/name`, which the core splits. */
export function named(
  owner: string,
  name: string | PredictionInput,
  options?: PredictionInput,
): [PredictionInput | undefined, Params] {
  if (typeof name === "object") return [name, merge({ owner }, requestParams(name, WITH_INPUT))];
  return [options, merge({ owner, name }, requestParams(options, WITH_INPUT))];
}
