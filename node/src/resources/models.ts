import { list, type PagePromise } from "../page";
import { requestParams } from "../params";
import type {
  ListOptions,
  Model,
  ModelDefined,
  ModelVersion,
  Page,
  Prediction,
  RequestOptions,
  Visibility,
} from "../types";
import { watched } from "../uploads";
import { named, type PredictionInput } from "./predictions";
import { type Namespace, Resource } from "./resource";

/** Versions of models. */
export class ModelVersions extends Resource {
  /** Versions of a model, newest first. `GET /models/{owner}/{name}/versions` */
  list<P extends PagePromise<ModelVersion> = PagePromise<ModelVersion>>(
    owner: string,
    name: string,
    options?: ListOptions,
  ): P;
  list<_P extends PagePromise<ModelVersion> = PagePromise<ModelVersion>>(
    owner: string,
    name: string,
    options?: ListOptions,
  ): Promise<Page<ModelVersion>>;
  list(owner: string, name: string, options: ListOptions = {}): PagePromise<ModelVersion> {
    return list(this.bridge, "models.versions.list", { owner, name, ...requestParams(options) }, options);
  }

  /** A version, with the schema of its input. `GET /models/{owner}/{name}/versions/{id}` */
  get(owner: string, name: string, id: string, options: RequestOptions = {}): Promise<ModelVersion> {
    return this.bridge.call("models.versions.get", { owner, name, id, ...requestParams(options) }, options);
  }

  /**
   * Deletes a version and what was made with it; the API takes some minutes for it.
   * `DELETE /models/{owner}/{name}/versions/{id}`
   *
   * @returns true
   */
  delete(owner: string, name: string, id: string, options: RequestOptions = {}): Promise<boolean> {
    return this.bridge.call(
      "models.versions.delete",
      { owner, name, id, ...requestParams(options) },
      options,
    );
  }
}

type OfModel =
  | [owner: string, name: string, options: PredictionInput]
  | [model: `${string}/${string}`, options: PredictionInput];

/** Runs of official models. */
export class ModelPredictions extends Resource {
  /** Starts an official model. `POST /models/{owner}/{name}/predictions` */
  create<T = ModelDefined>(...args: OfModel): Promise<Prediction<T>>;
  create<_T = ModelDefined>(owner: string, name: string, options: PredictionInput): Promise<Prediction>;
  create(owner: string, name: string | PredictionInput, options?: PredictionInput): Promise<Prediction> {
    const [given, params] = named(owner, name, options);
    return this.bridge.call("models.predictions.create", params, watched(given));
  }
}

/** Examples that a model's author has chosen. */
export class ModelExamples extends Resource {
  /** Examples of a model. `GET /models/{owner}/{name}/examples` */
  list<P extends PagePromise<Prediction> = PagePromise<Prediction>>(
    owner: string,
    name: string,
    options?: ListOptions,
  ): P;
  list<_P extends PagePromise<Prediction> = PagePromise<Prediction>>(
    owner: string,
    name: string,
    options?: ListOptions,
  ): Promise<Page<Prediction>>;
  list(owner: string, name: string, options: ListOptions = {}): PagePromise<Prediction> {
    return list(this.bridge, "models.examples.list", { owner, name, ...requestParams(options) }, options);
  }
}

/** Readmes of models. */
export class ModelReadme extends Resource {
  /** A model's readme, in Markdown. `GET /models/{owner}/{name}/readme` */
  get(owner: string, name: string, options: RequestOptions = {}): Promise<string> {
    return this.bridge.call("models.readme.get", { owner, name, ...requestParams(options) }, options);
  }
}

/** What a model's page says. */
export type ModelDescription = {
  description?: string | undefined;
  readme?: string | undefined;
  github_url?: string | undefined;
  paper_url?: string | undefined;
  weights_url?: string | undefined;
  license_url?: string | undefined;
};

/** What a model is made with. */
export type ModelConfig = Omit<ModelDescription, "readme" | "weights_url"> & {
  visibility: Visibility;
  /** A `sku` of `hardware.list()`. */
  hardware: string;
  cover_image_url?: string | undefined;
};

/** What `models.list` takes. */
export type ModelListOptions = ListOptions & {
  sort_by?: "model_created_at" | "latest_version_created_at" | undefined;
  sort_direction?: "asc" | "desc" | undefined;
};

/** Models on Replicate. */
export class Models extends Resource {
  /** Versions of models. */
  versions: Namespace<ModelVersions> = new ModelVersions(this.bridge);
  /** Runs of official models. */
  predictions: Namespace<ModelPredictions> = new ModelPredictions(this.bridge);
  /** Examples of models. */
  examples: Namespace<ModelExamples> = new ModelExamples(this.bridge);
  /** Readmes of models. */
  readme: Namespace<ModelReadme> = new ModelReadme(this.bridge);

  /** A model. `GET /models/{owner}/{name}` */
  get(owner: string, name: string, options: RequestOptions = {}): Promise<Model> {
    return this.bridge.call("models.get", { owner, name, ...requestParams(options) }, options);
  }

  /** Public models. `GET /models` */
  list<P extends PagePromise<Model> = PagePromise<Model>>(options?: ModelListOptions): P;
  list<_P extends PagePromise<Model> = PagePromise<Model>>(options?: ModelListOptions): Promise<Page<Model>>;
  list(options: ModelListOptions = {}): PagePromise<Model> {
    return list(this.bridge, "models.list", requestParams(options), options);
  }

  /** Makes a model, for trainings to write versions to. `POST /models` */
  create(
    owner: string,
    name: string,
    config: ModelConfig & RequestOptions,
    options: RequestOptions = config,
  ): Promise<Model> {
    const params = { owner, name, ...requestParams(config), ...requestParams(options) };
    return this.bridge.call("models.create", params, options);
  }

  /** Changes what a model's page says. `PATCH /models/{owner}/{name}` */
  update(
    owner: string,
    name: string,
    changes: ModelDescription,
    options: RequestOptions = {},
  ): Promise<Model> {
    return this.bridge.call("models.update", { owner, name, ...changes, ...requestParams(options) }, options);
  }

  /**
   * Deletes a private model that has no versions. `DELETE /models/{owner}/{name}`
   *
   * @returns true
   */
  delete(owner: string, name: string, options: RequestOptions = {}): Promise<boolean> {
    return this.bridge.call("models.delete", { owner, name, ...requestParams(options) }, options);
  }

  /** Public models that match some words. `QUERY /models` */
  search<P extends PagePromise<Model> = PagePromise<Model>>(query: string, options?: ListOptions): P;
  search<_P extends PagePromise<Model> = PagePromise<Model>>(
    query: string,
    options?: ListOptions,
  ): Promise<Page<Model>>;
  search(query: string, options: ListOptions = {}): PagePromise<Model> {
    return list(this.bridge, "models.search", { query, ...requestParams(options) }, options);
  }
}
