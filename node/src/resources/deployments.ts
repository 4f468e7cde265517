import { list, type PagePromise } from "../page";
import { requestParams } from "../params";
import type { Deployment, ListOptions, ModelDefined, Page, Prediction, RequestOptions } from "../types";
import { watched } from "../uploads";
import { named, type PredictionInput } from "./predictions";
import { type Namespace, Resource } from "./resource";

type OfDeployment =
  | [owner: string, name: string, options: PredictionInput]
  | [deployment: `${string}/${string}`, options: PredictionInput];

/** Runs of deployments. */
export class DeploymentPredictions extends Resource {
  /**
   * Starts a deployment. `POST /deployments/{owner}/{name}/predictions`
   *
   * @throws {UnprocessableEntityError} if the model refuses the input
   */
  create<T = ModelDefined>(...args: OfDeployment): Promise<Prediction<T>>;
  create<_T = ModelDefined>(owner: string, name: string, options: PredictionInput): Promise<Prediction>;
  create(owner: string, name: string | PredictionInput, options?: PredictionInput): Promise<Prediction> {
    const [given, params] = named(owner, name, options);
    return this.bridge.call("deployments.predictions.create", params, watched(given));
  }
}

/** What a deployment is made of. */
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

/** Models that are kept running on hardware of their own. */
export class Deployments extends Resource {
  /** Runs of deployments. */
  predictions: Namespace<DeploymentPredictions> = new DeploymentPredictions(this.bridge);

  /** Deployments of this account. `GET /deployments` */
  list<P extends PagePromise<Deployment> = PagePromise<Deployment>>(options?: ListOptions): P;
  list<_P extends PagePromise<Deployment> = PagePromise<Deployment>>(
    options?: ListOptions,
  ): Promise<Page<Deployment>>;
  list(options: ListOptions = {}): PagePromise<Deployment> {
    return list(this.bridge, "deployments.list", requestParams(options), options);
  }

  /** A deployment. `GET /deployments/{owner}/{name}` */
  get(owner: string, name: string, options: RequestOptions = {}): Promise<Deployment> {
    return this.bridge.call("deployments.get", { owner, name, ...requestParams(options) }, options);
  }

  /** Makes a deployment. `POST /deployments` */
  create(config: DeploymentConfig, options: RequestOptions = {}): Promise<Deployment> {
    return this.bridge.call("deployments.create", { ...config, ...requestParams(options) }, options);
  }

  /** Changes a deployment, which makes a new release. `PATCH /deployments/{owner}/{name}` */
  update(
    owner: string,
    name: string,
    config: Partial<Omit<DeploymentConfig, "name" | "model">>,
    options: RequestOptions = {},
  ): Promise<Deployment> {
    return this.bridge.call(
      "deployments.update",
      { owner, name, ...config, ...requestParams(options) },
      options,
    );
  }

  /**
   * Deletes a deployment that has been unused for 15 minutes. `DELETE /deployments/{owner}/{name}`
   *
   * @returns true
   */
  delete(owner: string, name: string, options: RequestOptions = {}): Promise<boolean> {
    return this.bridge.call("deployments.delete", { owner, name, ...requestParams(options) }, options);
  }
}
