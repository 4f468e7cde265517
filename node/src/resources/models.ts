import type { ApiPromise } from "../bridge";
import { list, type PagePromise } from "../page";
import { requestParams } from "../params";
import type { Model, ModelDefined, ModelVersion, Prediction, RequestOptions } from "../types";
import { watched } from "../uploads";
import type { PredictionInput } from "./predictions";
import { Resource } from "./resource";

/** Versions of models. */
export class ModelVersions extends Resource {
  /** Versions of a model, newest first. `GET /models/{owner}/{name}/versions` */
  list(
    owner: string,
    name: string,
    options: RequestOptions & { cursor?: string } = {},
  ): PagePromise<ModelVersion> {
    return list(this.bridge, "models.versions.list", { owner, name, ...requestParams(options) }, options);
  }

  /** A version, with the schema of its input. `GET /models/{owner}/{name}/versions/{id}` */
  get(owner: string, name: string, id: string, options: RequestOptions = {}): ApiPromise<ModelVersion> {
    return this.bridge.call("models.versions.get", { owner, name, id, ...requestParams(options) }, options);
  }

  /**
   * Deletes a version and what was made with it; the API takes some minutes for it.
   * `DELETE /models/{owner}/{name}/versions/{id}`
   *
   * @returns true
   */
  delete(owner: string, name: string, id: string, options: RequestOptions = {}): ApiPromise<boolean> {
    return this.bridge.call(
      "models.versions.delete",
      { owner, name, id, ...requestParams(options) },
      options,
    );
  }
}

/** Runs of official models. */
export class ModelPredictions extends Resource {
  /** Starts an official model. `POST /models/{owner}/{name}/predictions` */
  create<T = ModelDefined>(owner: string, name: string, options: PredictionInput): ApiPromise<Prediction<T>> {
    const params = { owner, name, ...requestParams(options) };
    return this.bridge.call("models.predictions.create", params, watched(options));
  }
}

/** Examples that a model's author has chosen. */
export class ModelExamples extends Resource {
  /** Examples of a model. `GET /models/{owner}/{name}/examples` */
  list(
    owner: string,
    name: string,
    options: RequestOptions & { cursor?: string } = {},
  ): PagePromise<Prediction> {
    return list(this.bridge, "models.examples.list", { owner, name, ...requestParams(options) }, options);
  }
}

/** Readmes of models. */
export class ModelReadme extends Resource {
  /** A model's readme, in Markdown. `GET /models/{owner}/{name}/readme` */
  get(owner: string, name: string, options: RequestOptions = {}): ApiPromise<string> {
    return this.bridge.call("models.readme.get", { owner, name, ...requestParams(options) }, options);
  }
}

/** What a model's page says. */
export interface ModelDescription {
  description?: string;
  readme?: string;
  github_url?: string;
  paper_url?: string;
  weights_url?: string;
  license_url?: string;
}

/** What a model is made with. */
export interface ModelConfig extends Omit<ModelDescription, "readme" | "weights_url"> {
  visibility: "public" | "private";
  /** A `sku` of `hardware.list()`. */
  hardware: string;
  cover_image_url?: string;
}

/** Models on Replicate. */
export class Models extends Resource {
  /** Versions of models. */
  readonly versions = new ModelVersions(this.bridge);
  /** Runs of official models. */
  readonly predictions = new ModelPredictions(this.bridge);
  /** Examples of models. */
  readonly examples = new ModelExamples(this.bridge);
  /** Readmes of models. */
  readonly readme = new ModelReadme(this.bridge);

  /** A model. `GET /models/{owner}/{name}` */
  get(owner: string, name: string, options: RequestOptions = {}): ApiPromise<Model> {
    return this.bridge.call("models.get", { owner, name, ...requestParams(options) }, options);
  }

  /** Public models. `GET /models` */
  list(
    options: RequestOptions & {
      cursor?: string;
      sort_by?: "model_created_at" | "latest_version_created_at";
      sort_direction?: "asc" | "desc";
    } = {},
  ): PagePromise<Model> {
    return list(this.bridge, "models.list", requestParams(options), options);
  }

  /** Makes a model, for trainings to write versions to. `POST /models` */
  create(owner: string, name: string, config: ModelConfig, options: RequestOptions = {}): ApiPromise<Model> {
    return this.bridge.call("models.create", { owner, name, ...config, ...requestParams(options) }, options);
  }

  /** Changes what a model's page says. `PATCH /models/{owner}/{name}` */
  update(
    owner: string,
    name: string,
    changes: ModelDescription,
    options: RequestOptions = {},
  ): ApiPromise<Model> {
    return this.bridge.call("models.update", { owner, name, ...changes, ...requestParams(options) }, options);
  }

  /**
   * Deletes a private model that has no versions. `DELETE /models/{owner}/{name}`
   *
   * @returns true
   */
  delete(owner: string, name: string, options: RequestOptions = {}): ApiPromise<boolean> {
    return this.bridge.call("models.delete", { owner, name, ...requestParams(options) }, options);
  }

  /** Public models that match some words. `QUERY /models` */
  search(query: string, options: RequestOptions & { cursor?: string } = {}): PagePromise<Model> {
    return list(this.bridge, "models.search", { query, ...requestParams(options) }, options);
  }
}
