import { merge, requestParams, singleParams, WITH_INPUT } from "../call-options";
import { uploadOptions } from "../observer";
import type { CreateOptions, ListOptions, RequestOptions } from "../options";
import { list, type PagePromise } from "../page";
import type { Page, Training } from "../types";
import { Resource } from "./resource";

/** Options of `trainings.create`. */
export type TrainingOptions = RequestOptions &
  CreateOptions & {
    /** Model that receives the trained version: `owner/name`. It must exist. */
    destination: `${string}/${string}`;
  };

/** Methods of trainings. */
export class Trainings extends Resource {
  /**
   * Creates a training. `POST /models/{owner}/{name}/versions/{version}/trainings`
   *
   * @throws {NotFoundError} if the destination does not exist
   * @throws {OutcomeUnknownError} if the request was sent and no response arrived
   */
  create(owner: string, name: string, version: string, options: TrainingOptions): Promise<Training> {
    const params = merge({ owner, name, version }, requestParams(options, WITH_INPUT));
    return this.calls.call("trainings.create", params, uploadOptions(options));
  }

  /**
   * Returns a training. `GET /trainings/{id}`
   *
   * @throws {NotFoundError} if there is no such training
   */
  get(id: string, options: RequestOptions = {}): Promise<Training> {
    return this.calls.call("trainings.get", singleParams({ id }, options), options);
  }

  /**
   * Cancels a training. `POST /trainings/{id}/cancel`
   *
   * @throws {NotFoundError} if there is no such training
   */
  cancel(id: string, options: RequestOptions = {}): Promise<Training> {
    return this.calls.call("trainings.cancel", singleParams({ id }, options), options);
  }

  /**
   * Lists the trainings of this account, newest first. `GET /trainings`
   *
   * @throws {AuthenticationError} if the API refuses the token
   */
  list<P extends PagePromise<Training> = PagePromise<Training>>(options?: ListOptions): P;
  list<_P extends PagePromise<Training> = PagePromise<Training>>(
    options?: ListOptions,
  ): Promise<Page<Training>>;
  list(options: ListOptions = {}): PagePromise<Training> {
    return list(this.calls, "trainings.list", requestParams(options), options);
  }
}
