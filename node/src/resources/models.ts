import { merge, requestParams, singleParams } from "../call-options";
import { type Params, REJECTION } from "../compute";
import { uploadOptions } from "../observer";
import type { ListOptions, RequestOptions } from "../options";
import { list, type PagePromise } from "../page";
import type { Model, ModelDefined, ModelVersion, Page, Prediction, Visibility } from "../types";
import { named, type PredictionInput } from "./predictions";
import { type Namespace, Resource } from "./resource";

/** Methods of versions of models. */
export class ModelVersions extends Resource {
  /**
   * Lists the versions of a model, newest first. `GET /models/{owner}/{name}/versions`
   *
   * @throws {NotFoundError} if there is no such model
   */
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
    return list(this.calls, "models.versions.list", merge({ owner, name }, requestParams(options)), options);
  }

  /**
   * Returns a version with the schema of its input. `GET /models/{owner}/{name}/versions/{id}`
   *
   * @throws {NotFoundError} if there is no such model or version
   */
  get(owner: string, name: string, id: string, options: RequestOptions = {}): Promise<ModelVersion> {
    return this.calls.call(
      "models.versions.get",
      merge({ owner, name, id }, requestParams(options)),
      options,
    );
  }

  /**
   * Deletes a version with its predictions and output, which takes the API some minutes.
   * `DELETE /models/{owner}/{name}/versions/{id}`
   *
   * @returns true
   * @throws {NotFoundError} if there is no such model or version
   * @throws {ApiError} if the API refuses, because the model is public or a deployment runs the version
   */
  delete(owner: string, name: string, id: string, options: RequestOptions = {}): Promise<boolean> {
    return this.calls.call(
      "models.versions.delete",
      merge({ owner, name, id }, requestParams(options)),
      options,
    );
  }
}

type OfModel =
  | [owner: string, name: string, options: PredictionInput]
  | [model: `${string}/${string}`, options: PredictionInput];

/** Methods of the predictions of official models. */
export class ModelPredictions extends Resource {
  /**
   * Creates a prediction with an official model, given as owner and name or as `owner/name`.
   * `POST /models/{owner}/{name}/predictions`
   *
   * @throws {UnprocessableEntityError} if the input is invalid
   * @throws {OutcomeUnknownError} if the request was sent and no response arrived
   */
  create<T = ModelDefined>(...args: OfModel): Promise<Prediction<T>>;
  create<_T = ModelDefined>(owner: string, name: string, options: PredictionInput): Promise<Prediction>;
  create(owner: string, name: string | PredictionInput, options?: PredictionInput): Promise<Prediction> {
    const [given, params] = named(owner, name, options);
    return this.calls.call("models.predictions.create", params, uploadOptions(given));
  }
}

/** Methods of example predictions of models. */
export class ModelExamples extends Resource {
  /**
   * Lists the example predictions of a model. `GET /models/{owner}/{name}/examples`
   *
   * @throws {NotFoundError} if there is no such model
   */
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
    return list(this.calls, "models.examples.list", merge({ owner, name }, requestParams(options)), options);
  }
}

/** Methods of readmes of models. */
export class ModelReadme extends Resource {
  /**
   * Returns the readme of a model, in Markdown. `GET /models/{owner}/{name}/readme`
   *
   * @throws {NotFoundError} if the model has no readme
   */
  get(owner: string, name: string, options: RequestOptions = {}): Promise<string> {
    return this.calls.call("models.readme.get", merge({ owner, name }, requestParams(options)), options);
  }
}

/** Description of a model, shown on its page. */
export type ModelDescription = {
  description?: string | undefined;
  readme?: string | undefined;
  github_url?: string | undefined;
  paper_url?: string | undefined;
  weights_url?: string | undefined;
  license_url?: string | undefined;
};

/** Configuration of a new model. */
export type ModelConfig = Omit<ModelDescription, "readme" | "weights_url"> & {
  visibility: Visibility;
  /** A `sku` of `hardware.list()`. */
  hardware: string;
  cover_image_url?: string | undefined;
};

/** Options of `models.list`. */
export type ModelListOptions = ListOptions & {
  sort_by?: "model_created_at" | "latest_version_created_at" | undefined;
  sort_direction?: "asc" | "desc" | undefined;
};

/** Methods of models. */
export class Models extends Resource {
  /** Versions of models. */
  versions: Namespace<ModelVersions> = new ModelVersions(this.calls);
  /** Predictions of official models. */
  predictions: Namespace<ModelPredictions> = new ModelPredictions(this.calls);
  /** Example predictions of models. */
  examples: Namespace<ModelExamples> = new ModelExamples(this.calls);
  /** Readmes of models. */
  readme: Namespace<ModelReadme> = new ModelReadme(this.calls);

  /**
   * Returns a model. `GET /models/{owner}/{name}`
   *
   * @throws {NotFoundError} if there is no such model
   */
  get(owner: string, name: string, options: RequestOptions = {}): Promise<Model> {
    return this.calls.call("models.get", merge({ owner, name }, requestParams(options)), options);
  }

  /**
   * Lists public models. `GET /models`
   *
   * @throws {AuthenticationError} if the API refuses the token
   */
  list<P extends PagePromise<Model> = PagePromise<Model>>(options?: ModelListOptions): P;
  list<_P extends PagePromise<Model> = PagePromise<Model>>(options?: ModelListOptions): Promise<Page<Model>>;
  list(options: ModelListOptions = {}): PagePromise<Model> {
    return list(this.calls, "models.list", requestParams(options), options);
  }

  /**
   * Creates a model, which has no versions until one is pushed or trained. `POST /models`
   *
   * @throws {UnprocessableEntityError} if the API refuses a parameter
   * @throws {OutcomeUnknownError} if the request was sent and no response arrived
   */
  create(
    owner: string,
    name: string,
    config: ModelConfig & RequestOptions,
    options: RequestOptions = {},
  ): Promise<Model> {
    // As in the official client, the last value of an option counts.
    const given: Params = { ...merge({}, config), ...merge({}, options) };
    const params = merge({ owner, name }, given[REJECTION] ? given : requestParams(given));
    return this.calls.call("models.create", params, given);
  }

  /**
   * Updates the description of a model. `PATCH /models/{owner}/{name}`
   *
   * @throws {NotFoundError} if there is no such model
   * @throws {PermissionDeniedError} if the model belongs to another account
   * @throws {UnprocessableEntityError} if the API refuses a parameter
   */
  update(
    owner: string,
    name: string,
    changes: ModelDescription,
    options: RequestOptions = {},
  ): Promise<Model> {
    const params = merge({ owner, name }, changes, requestParams(options));
    return this.calls.call("models.update", params, options);
  }

  /**
   * Deletes a model, which must be private and have no versions. `DELETE /models/{owner}/{name}`
   *
   * @returns true
   * @throws {NotFoundError} if there is no such model
   * @throws {ApiError} if the API refuses, because the model is public or has versions
   */
  delete(owner: string, name: string, options: RequestOptions = {}): Promise<boolean> {
    return this.calls.call("models.delete", merge({ owner, name }, requestParams(options)), options);
  }

  /**
   * Searches public models. `QUERY /models`
   *
   * @throws {AuthenticationError} if the API refuses the token
   */
  search<P extends PagePromise<Model> = PagePromise<Model>>(query: string, options?: ListOptions): P;
  search<_P extends PagePromise<Model> = PagePromise<Model>>(
    query: string,
    options?: ListOptions,
  ): Promise<Page<Model>>;
  search(query: string, options: ListOptions = {}): PagePromise<Model> {
    return list(this.calls, "models.search", singleParams({ query }, options), options);
  }
}
