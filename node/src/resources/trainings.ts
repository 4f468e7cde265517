import { list, type PagePromise } from "../page";
import { requestParams } from "../params";
import type {
  FileEncodingStrategy,
  ListOptions,
  Page,
  RequestOptions,
  Training,
  WebhookEventType,
} from "../types";
import { type UploadProgress, watched } from "../uploads";
import { Resource } from "./resource";

/** What a training is started with. */
export type TrainingOptions = RequestOptions & {
  /** `owner/name` of a model of yours that gets the trained version. */
  destination: string;
  /** The training's input. Files of any kind may stand anywhere inside. */
  input: object;
  /** URL (https) that is told how the training goes on. */
  webhook?: string | undefined;
  /** What it is told of. */
  webhook_events_filter?: WebhookEventType[] | undefined;
  /** How its files travel; the client's setting by default. */
  fileEncodingStrategy?: FileEncodingStrategy | undefined;
  /** Told how far its files have got on their way up. */
  onUpload?: ((upload: UploadProgress) => void) | undefined;
};

/** Runs of models' training procedures. */
export class Trainings extends Resource {
  /** Starts a training. `POST /models/{owner}/{name}/versions/{version}/trainings` */
  create(owner: string, name: string, version: string, options: TrainingOptions): Promise<Training> {
    const params = { owner, name, version, ...requestParams(options) };
    return this.bridge.call("trainings.create", params, watched(options));
  }

  /** A training as it is now. `GET /trainings/{id}` */
  get(id: string, options: RequestOptions = {}): Promise<Training> {
    return this.bridge.call("trainings.get", { id, ...requestParams(options) }, options);
  }

  /** Stops a training. `POST /trainings/{id}/cancel` */
  cancel(id: string, options: RequestOptions = {}): Promise<Training> {
    return this.bridge.call("trainings.cancel", { id, ...requestParams(options) }, options);
  }

  /** Trainings of this account, newest first. `GET /trainings` */
  list<P extends PagePromise<Training> = PagePromise<Training>>(options?: ListOptions): P;
  list<_P extends PagePromise<Training> = PagePromise<Training>>(
    options?: ListOptions,
  ): Promise<Page<Training>>;
  list(options: ListOptions = {}): PagePromise<Training> {
    return list(this.bridge, "trainings.list", requestParams(options), options);
  }
}
