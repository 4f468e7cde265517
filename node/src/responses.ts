/** Responses of calls, found by the promise that a call returned. */
import { invalid } from "./invalid";

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

function parse(meta: string | null): Response {
  const [status, headers] = meta === null ? [200, []] : (JSON.parse(meta) as [number, [string, string][]]);
  return new Response(null, { status: status >= 200 && status <= 599 ? status : 200, headers });
}
