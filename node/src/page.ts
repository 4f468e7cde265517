/** Lists and their pages. */
import { reject } from "./call-options";
import type { Calls } from "./calls";
import type { Params } from "./compute";
import { ItemStream, values } from "./item-stream";
import type { RequestOptions } from "./options";
import { copyResponse, shareResponse } from "./responses";
import type { Signal } from "./signals";
import { conceal, reveal } from "./state";
import type { Page } from "./types";

/** A page of a list. `for await` iterates over the items of this page and of all that follow. */
export class ListPage<T> implements Page<T>, AsyncIterable<T> {
  /** URL of the previous page. The API also sends `null`: there is none. */
  declare previous?: string;
  /** URL of the next page. The API also sends `null`, on the last page. */
  declare next?: string;
  /** The items of this page. */
  results: T[];
  declare readonly request_id?: string | undefined;
  declare readonly _response?: Response | undefined;

  /** @internal */
  constructor(page: RawPage<T>, follow: Follow<T>) {
    Object.assign(this, page, { next: link(page.next), previous: link(page.previous) });
    this.results = page.results ?? [];
    copyResponse(page, this);
    conceal(this, follow);
  }

  /** Returns whether another page follows. */
  hasNextPage(): boolean {
    return Boolean(this.next);
  }

  /** Fetches the next page. Returns null if there is none. */
  async getNextPage(): Promise<ListPage<T> | null> {
    for await (const page of this.following()) return page;
    return null;
  }

  /** Yields this page and all that follow. Each is fetched when it is requested. */
  async *pages(): AsyncGenerator<ListPage<T>, void, undefined> {
    yield this;
    yield* this.following();
  }

  /** @internal */
  async *following(signal?: Signal): AsyncGenerator<ListPage<T>, void, undefined> {
    if (this.next) yield* reveal<Follow<T>>(this)(this.next, signal);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for await (const page of this.pages()) yield* page.results;
  }
}

/**
 * Returns the URL of a page. A documented sample has the text "null" instead of null. The API's null is kept, although the
 * official package's type does not include it.
 */
function link(url: string | null | undefined): string | null {
  return url && url !== "null" ? url : null;
}

/** A page as the API sends it. */
type RawPage<T> = { next?: string | null; previous?: string | null; results?: T[] | null };

/**
 * The result of a list method. Await it for the first page, iterate over it for every item, or iterate over `pages()`
 * for every page. Further pages are fetched when they are needed.
 *
 * @example
 * for await (const prediction of replicate.predictions.list()) console.log(prediction.id);
 */
export interface PagePromise<T> extends Promise<ListPage<T>>, AsyncIterable<T> {
  /** Yields every page, starting with the first. */
  pages(): AsyncGenerator<ListPage<T>, void, undefined>;
}

/** Fetches pages, starting at the URL `next`. `signal` replaces that of the list's call. */
type Follow<T> = (next: string, signal?: Signal) => AsyncIterable<ListPage<T>>;

/** Yields pages, starting at `path`. */
export async function* follow<T>(
  calls: Calls,
  path: string,
  signal: Signal,
  request_options?: unknown,
): AsyncGenerator<ListPage<T>, void, undefined> {
  const next: Follow<T> = (path, other = signal) => follow(calls, path, other, request_options);
  const pages = new ItemStream(values<RawPage<T>>(calls, "paginate", { path, request_options }, signal));
  for await (const page of pages) yield new ListPage(page, next);
}

/** Calls a list operation. */
export function list<T>(
  calls: Calls,
  operation: string,
  params: Params,
  options: RequestOptions,
): PagePromise<T> {
  // The call rejects options that are not an object.
  const signal = options?.signal;
  const next: Follow<T> = (path, other = signal) => follow(calls, path, other, params.request_options);
  // The `next` of a last page, which the core would take for no cursor.
  const checked =
    params.cursor === null
      ? reject("`cursor` cannot be null: there is no page after the last one", "cursor")
      : params;
  const call = calls.call<RawPage<T>>(operation, checked, { signal });
  const promise = call.then((page) => new ListPage(page, next)) as PagePromise<T>;
  shareResponse(call, promise);
  promise.pages = async function* () {
    yield* (await promise).pages();
  };
  promise[Symbol.asyncIterator] = async function* () {
    yield* await promise;
  };
  return promise;
}
