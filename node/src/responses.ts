/** Responses of calls, found by the promise that a call returned. */

import { globals } from "./globals";
import { invalid } from "./invalid";
import { native } from "./native";
import { receivedHeaders } from "./received-headers";

/** Status and headers of a response as JSON; null if nothing was sent. */
export interface ResponseRecord {
  meta: string | null;
}

/** A constructor that returns the object that it is given, so that a subclass adds private fields to it. */
class Existing {
  constructor(object: object) {
    // biome-ignore lint/correctness/noConstructorReturn: this is its purpose
    return object;
  }
}

/** Promises with a record. As entries of a `WeakMap`, they made every call slower, because each costs garbage collection. */
class Recorded extends Existing {
  #record: ResponseRecord;

  constructor(promise: object, record: ResponseRecord) {
    super(promise);
    this.#record = record;
  }

  static record(promise: object): ResponseRecord | undefined {
    return #record in promise ? promise.#record : undefined;
  }
}

/** Records the response of the call that returned `promise`, in `record` once the call has it. */
export function recordResponse(promise: PromiseLike<unknown>, record: ResponseRecord): void {
  new Recorded(promise, record);
}

/** Makes `promise`, which has no response, stand for the same response as `source`. */
export function shareResponse(source: PromiseLike<unknown>, promise: PromiseLike<unknown>): void {
  const record = Recorded.record(source);
  if (record) recordResponse(promise, record);
}

/**
 * Returns the result of a call together with the status and headers of its response.
 *
 * @param promise the promise that a method of the client returned, before `then` or `await`
 * @throws {InvalidArgumentError} if the promise is not from a method of the client
 * @example
 * const { data, response } = await withResponse(replicate.predictions.get(id));
 * console.log(data.status, response.headers.get("ratelimit-remaining"));
 */
export async function withResponse<T>(promise: PromiseLike<T>): Promise<{ data: T; response: Response }> {
  const data = await promise;
  const record = Object(promise) === promise ? Recorded.record(promise) : undefined;
  if (record === undefined) {
    invalid(
      "`promise` must be the promise that a method of the client returned, before `then` or `await`",
      "promise",
    );
  }
  return { data, response: parse(record.meta) };
}

/**
 * Gives an object that a call returned the properties `request_id` and `_response`, which are not enumerable, so that
 * comparing and serializing the object stays as it is.
 */
export function attachResponse(value: unknown, meta: string | null): unknown {
  if (typeof value !== "object" || value === null || meta === null || !Object.isExtensible(value))
    return value;
  // A call of several requests, such as `run`, has no response of its own.
  if (meta === NO_RESPONSE) return value;
  Object.defineProperty(value, META, { configurable: true, value: meta });
  Object.defineProperty(value, "_response", RESPONSE);
  if (!("request_id" in value)) Object.defineProperty(value, "request_id", REQUEST_ID);
  return value;
}

/** Status and headers of the response of an object. The getters are shared: objects with getters of their own are slow. */
const META = Symbol("replicant.meta");

const RESPONSE: PropertyDescriptor & ThisType<{ [META]: string }> = {
  configurable: true,
  get() {
    return parse(this[META]);
  },
};

const REQUEST_ID: PropertyDescriptor & ThisType<{ _response: Response }> = {
  configurable: true,
  get() {
    return requestId(this._response);
  },
};

/** Gives `to` the response of `from`. */
export function copyResponse(from: object, to: object): void {
  for (const name of [META, "_response", "request_id"]) {
    const property = Object.getOwnPropertyDescriptor(from, name);
    if (property && !property.enumerable) Object.defineProperty(to, name, property);
  }
}

const NO_RESPONSE = "[200,[]]";

function requestId(response: Response): string | undefined {
  const headers = Object.fromEntries(response.headers);
  const { request_id } = JSON.parse(
    native.compute("response.describe", JSON.stringify({ headers })) as string,
  );
  return request_id ?? undefined;
}

function parse(meta: string | null): Response {
  const [status, pairs] = meta === null ? [200, []] : (JSON.parse(meta) as [number, [string, string][]]);
  const headers = receivedHeaders(pairs);
  const statusText = STATUS_TEXTS[status] ?? "";
  return new globals.Response(null, {
    status: status >= 200 && status <= 599 ? status : 200,
    statusText,
    headers,
  });
}

/** The texts of the statuses that the API sends. An error has its own. */
const STATUS_TEXTS: Record<number, string> = {
  200: "OK",
  201: "Created",
  202: "Accepted",
  204: "No Content",
};
