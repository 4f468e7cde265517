import { merge, requestParams } from "../call-options";
import { uploadOptions } from "../observer";
import type { ListOptions, RequestOptions } from "../options";
import { list, type PagePromise } from "../page";
import type { Deployment, ModelDefined, Page, Prediction } from "../types";
import { named, type PredictionInput } from "./predictions";
import { type Namespace, Resource } from "./resource";

type OfDeployment =
  | [owner: string, name: string, options: PredictionInput]
  | [deployment: `${string}/${string}`, options: PredictionInput];

/** Methods of the predictions of deployments. */
export class DeploymentPredictions extends Resource {
  /**
   * Creates a prediction with a deployment, given as owner and name or as `owner/name`.
   * `POST /deployments/{owner}/{name}/predictions`
   *
   * @throws {UnprocessableEntityError} if the input is invalid
   * @throws {OutcomeUnknownError} if the request was sent and no response arrived
   */
  create<T = ModelDefined>(...args: OfDeployment): Promise<Prediction<T>>;
  create<_T = ModelDefined>(owner: string, name: string, options: PredictionInput): Promise<Prediction>;
  create(owner: string, name: string | PredictionInput, options?: PredictionInput): Promise<Prediction> {
    const [given, params] = named(owner, name, options);
    return this.calls.call("deployments.predictions.create", params, uploadOptions(given));
  }
}

/** Configuration of a deployment. */
export type DeploymentConfig = {
  name: string;
  /** `owner/name`. */
  model: string;
  /** Version id, 64 hexadecimal digits. */
  version: string;
  /** A `sku` of `hardware.list()`. */
  hardware: string;
  /** 0 to 5. */
  min_instances: number;
  /** 0 to 20. */
  max_instances: number;
};

type Changeable = Omit<DeploymentConfig, "name" | "model">;

/** What to change of a deployment: at least one member. */
type DeploymentChange = Partial<Changeable> &
  { [Name in keyof Changeable]: Pick<Changeable, Name> }[keyof Changeable];

/** Methods of deployments. */
export class Deployments extends Resource {
  /** Predictions of deployments. */
  predictions: Namespace<DeploymentPredictions> = new DeploymentPredictions(this.calls);

  /**
   * Lists the deployments of this account. `GET /deployments`
   *
   * @throws {AuthenticationError} if the API refuses the token
   */
  list<P extends PagePromise<Deployment> = PagePromise<Deployment>>(options?: ListOptions): P;
  list<_P extends PagePromise<Deployment> = PagePromise<Deployment>>(
    options?: ListOptions,
  ): Promise<Page<Deployment>>;
  list(options: ListOptions = {}): PagePromise<Deployment> {
    return list(this.calls, "deployments.list", requestParams(options), options);
  }

  /**
   * Returns a deployment. `GET /deployments/{owner}/{name}`
   *
   * @throws {NotFoundError} if there is no such deployment
   */
  get(owner: string, name: string, options: RequestOptions = {}): Promise<Deployment> {
    return this.calls.call("deployments.get", merge({ owner, name }, requestParams(options)), options);
  }

  /**
   * Creates a deployment. `POST /deployments`
   *
   * @throws {UnprocessableEntityError} if the API refuses a parameter
   * @throws {OutcomeUnknownError} if the request was sent and no response arrived
   */
  create(config: DeploymentConfig, options: RequestOptions = {}): Promise<Deployment> {
    return this.calls.call("deployments.create", merge({}, config, requestParams(options)), options);
  }

  /**
   * Updates a deployment, which creates a new release. `PATCH /deployments/{owner}/{name}`
   *
   * @throws {NotFoundError} if there is no such deployment
   * @throws {UnprocessableEntityError} if the API refuses a parameter
   */
  update(
    owner: string,
    name: string,
    config: DeploymentChange,
    options: RequestOptions = {},
  ): Promise<Deployment> {
    const params = merge({ owner, name }, config, requestParams(options));
    return this.calls.call("deployments.update", params, options);
  }

  /**
   * Deletes a deployment, which must have been unused for 15 minutes. `DELETE /deployments/{owner}/{name}`
   *
   * @returns true
   * @throws {NotFoundError} if there is no such deployment
   * @throws {ApiError} if the API refuses, because the deployment is in use
   */
  delete(owner: string, name: string, options: RequestOptions = {}): Promise<boolean> {
    return this.calls.call("deployments.delete", merge({ owner, name }, requestParams(options)), options);
  }
}
