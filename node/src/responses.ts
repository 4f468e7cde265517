/** Responses of calls, found by the promise that a call returned. */
import { invalid } from "./invalid";
import { native } from "./native";

const responses = new WeakMap<PromiseLike<unknown>, () => Response>();

/**
 * Records the response of a call.
 *
 * @param meta returns its status and headers as JSON, or null if nothing was sent
 */
export function recordResponse(promise: PromiseLike<unknown>, meta: () => string | null): void {
  responses.set(promise, () => parse(meta()));
}

/** Makes `promise` stand for the same response as `source`. */
export function shareResponse(source: PromiseLike<unknown>, promise: PromiseLike<unknown>): void {
  const response = responses.get(source);
  if (response) responses.set(promise, response);
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
  const response = responses.get(promise);
  if (response === undefined) {
    invalid(
      "`promise` must be the promise that a method of the client returned, before `then` or `await`",
      "promise",
    );
  }
  return { data, response: response() };
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
  const { request_id } = JSON.parse(native.compute("response.describe", JSON.stringify({ headers })));
  return request_id ?? undefined;
}

function parse(meta: string | null): Response {
  const [status, headers] = meta === null ? [200, []] : (JSON.parse(meta) as [number, [string, string][]]);
  return new Response(null, { status: status >= 200 && status <= 599 ? status : 200, headers });
}
