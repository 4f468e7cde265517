import { requestParams, singleParams } from "../call-options";
import type { ListOptions, RequestOptions } from "../options";
import { list, type PagePromise } from "../page";
import type { Collection, Page } from "../types";
import { Resource } from "./resource";

/** Methods of collections. */
export class Collections extends Resource {
  /**
   * Lists the collections. `GET /collections`
   *
   * @throws {AuthenticationError} if the API refuses the token
   */
  list<P extends PagePromise<Collection> = PagePromise<Collection>>(options?: ListOptions): P;
  list<_P extends PagePromise<Collection> = PagePromise<Collection>>(
    options?: ListOptions,
  ): Promise<Page<Collection>>;
  list(options: ListOptions = {}): PagePromise<Collection> {
    return list(this.calls, "collections.list", requestParams(options), options);
  }

  /**
   * Returns a collection with its models. `GET /collections/{slug}`
   *
   * @throws {NotFoundError} if there is no such collection
   */
  get(slug: string, options: RequestOptions = {}): Promise<Collection> {
    return this.calls.call("collections.get", singleParams({ slug }, options), options);
  }
}
