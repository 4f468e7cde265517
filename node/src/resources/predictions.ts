import type { Params } from "../bridge";
import { EventStream, ItemStream } from "../events";
import { list, type PagePromise } from "../page";
import { requestParams, runParams } from "../params";
import type {
  FileEncodingStrategy,
  ModelDefined,
  Page,
  Prediction,
  RequestOptions,
  WaitOption,
  WebhookEventType,
} from "../types";
import { type UploadProgress, watched } from "../uploads";
import { Resource } from "./resource";

/** What a prediction is created with, wherever it is created. */
export type PredictionInput = RequestOptions & {
  /** The model's input. Files of any kind may stand anywhere inside. */
  input: object;
  /** URL (https) that is told how the prediction goes on. */
  webhook?: string | undefined;
  /** What it is told of; new output and the end by default. */
  webhook_events_filter?: WebhookEventType[] | undefined;
  /** Ask for an event stream. The API gives one without being asked nowadays. */
  stream?: boolean | undefined;
  /** Hold the answer until the output is there: `true`, or for how many seconds (1 to 60). */
  wait?: boolean | number | WaitOption | undefined;
  /** Cancel it by itself after so long: seconds, or text such as `"1m30s"`. */
  cancelAfter?: number | string | undefined;
  /** How its files travel; the client's setting by default. */
  fileEncodingStrategy?: FileEncodingStrategy | undefined;
  /** Told how far its files have got on their way up. */
  onUpload?: ((upload: UploadProgress) => void) | undefined;
};

/** What `predictions.create` takes. */
export type PredictionCreateOptions = PredictionInput &
  (
    | {
        /** Version id, `owner/name:id`, or `owner/name` of an official model. */ version: string;
        model?: string;
        deployment?: string;
      }
    | { /** `owner/name`. */ model: string; version?: string; deployment?: string }
    | { /** `owner/name` of a deployment. */ deployment: string; model?: string; version?: string }
  );

/** What `predictions.list` can be narrowed by. */
export type PredictionListOptions = RequestOptions & {
  /** `next` of another page. */
  cursor?: string | undefined;
  /** Only those created at or after this moment (ISO 8601 or Date). */
  created_after?: string | Date | undefined;
  /** Only those created before this moment. */
  created_before?: string | Date | undefined;
  /** Only those made on the website (of the last 14 days). */
  source?: "web" | undefined;
};

/** Runs of models. */
export class Predictions extends Resource {
  /**
   * Starts a model. Unless `wait` is given it returns at once, with status `starting`.
   *
   * `POST /predictions`, or `POST /models/{owner}/{name}/predictions` when only `model` is given.
   *
   * @throws {UnprocessableEntityError} if the model refuses the input; `invalidFields` says why
   * @throws {OutcomeUnknownError} if the connection broke after the request was sent
   * @example
   * await replicate.predictions.create({ model: "meta/meta-llama-3-8b-instruct", input: { prompt: "Hi" } });
   */
  create<T = ModelDefined>(options: PredictionCreateOptions): Promise<Prediction<T>>;
  create<_T = ModelDefined>(options: PredictionCreateOptions): Promise<Prediction>;
  create(options: PredictionCreateOptions): Promise<Prediction> {
    return this.bridge.call("predictions.create", requestParams(options), watched(options));
  }

  /**
   * A prediction as it is now. `GET /predictions/{id}`
   *
   * @throws {NotFoundError} if there is none with this id
   */
  get<T = ModelDefined>(id: string, options?: RequestOptions): Promise<Prediction<T>>;
  get<_T = ModelDefined>(id: string, options?: RequestOptions): Promise<Prediction>;
  get(id: string, options: RequestOptions = {}): Promise<Prediction> {
    return this.bridge.call("predictions.get", { id, ...requestParams(options) }, options);
  }

  /** Stops a prediction. It does nothing to one that has ended. `POST /predictions/{id}/cancel` */
  cancel<T = ModelDefined>(id: string, options?: RequestOptions): Promise<Prediction<T>>;
  cancel<_T = ModelDefined>(id: string, options?: RequestOptions): Promise<Prediction>;
  cancel(id: string, options: RequestOptions = {}): Promise<Prediction> {
    return this.bridge.call("predictions.cancel", { id, ...requestParams(options) }, options);
  }

  /** Predictions of this account, newest first, 100 a page. `GET /predictions` */
  list<P extends PagePromise<Prediction> = PagePromise<Prediction>>(options?: PredictionListOptions): P;
  list<_P extends PagePromise<Prediction> = PagePromise<Prediction>>(
    options?: PredictionListOptions,
  ): Promise<Page<Prediction>>;
  list(options: PredictionListOptions = {}): PagePromise<Prediction> {
    return list(this.bridge, "predictions.list", requestParams(options), options);
  }

  /**
   * Waits until a prediction has ended, and gives its last state.
   *
   * `GET /predictions/{id}`, again and again.
   *
   * @param options.interval how often to ask, in milliseconds
   * @param options.timeout how long to wait at most, in milliseconds
   * @throws {PredictionFailedError} if it failed
   * @throws {DeadlineError} if `timeout` passed first; the prediction goes on
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
    return this.bridge.call("predictions.wait", { ...which(prediction), ...runParams(options) }, options);
  }

  /**
   * An output with its files as {@link FileOutput}s. Sends nothing.
   *
   * @param output the `output` of a prediction
   */
  output<T = ModelDefined>(output: unknown): Promise<T> {
    return this.bridge.call("predictions.output", { output });
  }

  /**
   * The events of a prediction that exists already. `GET` of its `urls.stream`
   *
   * @throws {StreamUnsupportedError} if its model has no stream
   * @throws {StreamInterruptedError} if it broke and could not be resumed
   */
  stream(
    prediction: Prediction | string,
    options: Pick<RequestOptions, "signal"> & { useFileOutput?: boolean | undefined } = {},
  ): EventStream {
    const given = { ...which(prediction), ...requestParams(options) };
    return new EventStream(this.bridge, "predictions.stream", given, options.signal);
  }

  /**
   * The items of a list that a model is still writing, each as it appears.
   *
   * `GET /predictions/{id}`, again and again.
   *
   * @throws {PredictionFailedError} if it failed, after the items that were there
   */
  outputIterator<T = ModelDefined>(
    prediction: Prediction | string,
    options: Pick<RequestOptions, "signal"> & {
      useFileOutput?: boolean | undefined;
      interval?: number | undefined;
    } = {},
  ): AsyncIterableIterator<T> {
    const given = { ...which(prediction), ...requestParams(options) };
    return new ItemStream<T>(this.bridge, "predictions.output_iterator", given, options.signal);
  }
}

function which(prediction: Prediction | string): { id?: string; prediction?: Prediction } {
  return typeof prediction === "string" ? { id: prediction } : { prediction };
}

/** The options and all parameters of a create that takes owner and name, or `owner/name` in one, which the core splits. */
export function named(
  owner: string,
  name: string | PredictionInput,
  options?: PredictionInput,
): [PredictionInput | undefined, Params] {
  if (typeof name === "object") return [name, { owner, ...requestParams(name) }];
  return [options, { owner, name, ...requestParams(options) }];
}
