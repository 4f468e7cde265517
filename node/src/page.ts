import type { ApiPromise, Bridge, Params } from "./bridge";
import { ItemStream } from "./events";
import type { RequestOptions } from "./types";

/** One page of a list. `for await` goes over the items of this page and of all that follow. */
export class Page<T> implements AsyncIterable<T> {
  /** URL of the next page. */
  readonly next: string | null;
  /** URL of the page before. */
  readonly previous: string | null;
  /** The items of this page. */
  readonly results: T[];
  readonly #follow: Follow<T>;

  /** @internal */
  constructor(page: { next?: string | null; previous?: string | null; results: T[] }, follow: Follow<T>) {
    Object.assign(this, page);
    // One documented sample has the word for the value.
    this.next = page.next && page.next !== "null" ? page.next : null;
    this.previous = page.previous ?? null;
    this.results = page.results;
    this.#follow = follow;
  }

  /** Whether another page follows. */
  hasNextPage(): boolean {
    return this.next !== null;
  }

  /** The page after this one, or null. */
  async getNextPage(): Promise<Page<T> | null> {
    if (this.next !== null) for await (const page of this.#follow(this.next)) return page;
    return null;
  }

  /** This page and all that follow, each fetched when it is asked for. */
  async *pages(): AsyncGenerator<Page<T>, void, undefined> {
    yield this;
    if (this.next !== null) yield* this.#follow(this.next);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for await (const page of this.pages()) yield* page.results;
  }
}

/**
 * The answer of a list call: await it for the first page, iterate over it for every item, or over
 * `pages()` for every page. Further pages are fetched as they are needed.
 *
 * @example
 * for await (const prediction of replicate.predictions.list()) console.log(prediction.id);
 */
export interface PagePromise<T> extends ApiPromise<Page<T>>, AsyncIterable<T> {
  /** Every page from the first on. */
  pages(): AsyncGenerator<Page<T>, void, undefined>;
}

/** What follows a page: awaited the next one, iterated over all. */
type Follow<T> = (next: string) => AsyncIterable<Page<T>>;

/** Calls a list operation. */
export function list<T>(
  bridge: Bridge,
  operation: string,
  params: Params,
  options: RequestOptions,
): PagePromise<T> {
  // Options that are no object are refused by the call.
  const signal = options?.signal;
  const { request_options } = params;
  const follow: Follow<T> = async function* (next) {
    const pages = new ItemStream<Page<T>>(bridge, "paginate", { path: next, request_options }, signal);
    for await (const page of pages) yield new Page<T>(page, follow);
  };
  const call = bridge.call<Page<T>>(operation, params, { signal });
  const promise = call.then((page) => new Page<T>(page, follow)) as PagePromise<T>;
  promise.withResponse = async () => ({ ...(await call.withResponse()), data: await promise });
  promise.pages = async function* () {
    yield* (await promise).pages();
  };
  promise[Symbol.asyncIterator] = async function* () {
    yield* await promise;
  };
  return promise;
}
