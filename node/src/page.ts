import { type Bridge, type Params, shareResponse } from "./bridge";
import { ItemStream } from "./events";
import { conceal, reveal } from "./state";
import type { Page, RequestOptions } from "./types";

/** A page as the list methods return it. `for await` goes over the items of this page and of all that follow. */
export class ListPage<T> implements Page<T>, AsyncIterable<T> {
  /** URL of the page before. */
  declare previous?: string;
  /** URL of the next page. */
  declare next?: string;
  /** The items of this page. */
  results: T[];

  /** @internal */
  constructor(page: Answer<T>, follow: Follow<T>) {
    // One documented sample has the text "null" for the value. The API's null stays, although the type,
    // which is that of the official package, does not show it.
    const next = page.next && page.next !== "null" ? page.next : null;
    Object.assign(this, page, { next, previous: page.previous ?? null });
    this.results = page.results;
    conceal(this, follow);
  }

  /** Returns whether another page follows. */
  hasNextPage(): boolean {
    return Boolean(this.next);
  }

  /** Fetches the page after this one; null if there is none. */
  async getNextPage(): Promise<ListPage<T> | null> {
    for await (const page of this.following()) return page;
    return null;
  }

  /** Yields this page and all that follow, each fetched when it is asked for. */
  async *pages(): AsyncGenerator<ListPage<T>, void, undefined> {
    yield this;
    yield* this.following();
  }

  /** @internal */
  async *following(signal?: AbortSignal): AsyncGenerator<ListPage<T>, void, undefined> {
    if (this.next) yield* reveal<Follow<T>>(this)(this.next, signal);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for await (const page of this.pages()) yield* page.results;
  }
}

/** A page as the API sends it. */
type Answer<T> = { next?: string | null; previous?: string | null; results: T[] };

/**
 * The result of a list method. Await it for the first page, iterate over it for every item, or over
 * `pages()` for every page. Further pages are fetched as they are needed.
 *
 * @example
 * for await (const prediction of replicate.predictions.list()) console.log(prediction.id);
 */
export interface PagePromise<T> extends Promise<ListPage<T>>, AsyncIterable<T> {
  /** Yields every page from the first on. */
  pages(): AsyncGenerator<ListPage<T>, void, undefined>;
}

/** Fetches the pages from the URL `next` on; `signal` replaces the signal of the list's call. */
type Follow<T> = (next: string, signal?: AbortSignal) => AsyncIterable<ListPage<T>>;

/** The pages from `path` on. */
export async function* follow<T>(
  bridge: Bridge,
  path: string,
  signal: AbortSignal | undefined,
  request_options?: unknown,
): AsyncGenerator<ListPage<T>, void, undefined> {
  const next: Follow<T> = (path, other = signal) => follow(bridge, path, other, request_options);
  const pages = new ItemStream<Answer<T>>(bridge, "paginate", { path, request_options }, signal);
  for await (const page of pages) yield new ListPage(page, next);
}

/** Calls a list operation. */
export function list<T>(
  bridge: Bridge,
  operation: string,
  params: Params,
  options: RequestOptions,
): PagePromise<T> {
  // Options that are no object are refused by the call.
  const signal = options?.signal;
  const next: Follow<T> = (path, other = signal) => follow(bridge, path, other, params.request_options);
  const call = bridge.call<Answer<T>>(operation, params, { signal });
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
