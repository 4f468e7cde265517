/** The options of calls, as parameters of the core. */
import type { Params } from "./bridge";
import { inward } from "./names";

/** Under this key parameters carry why they cannot be used, so that their call rejects rather than throws. */
export const REFUSED = Symbol("refused");

/** Options that stay on this side. */
const HERE = new Set(["signal", "onProgress", "onUpload"]);

/** Options by the names and units of the core. What it does not know it refuses by name. */
export function params(options: object = {}): Params {
  const result: Params = {};
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || HERE.has(name)) continue;
    const [theirs, converted] = inward(name, value);
    result[theirs] = converted;
  }
  return result;
}

/** Parameters with what concerns the request alone (its timeout, retries, headers) set apart. */
export function requestParams(options: object = {}): Params {
  if (!isOptions(options)) return refused(options);
  const { timeout, maxRetries, headers, query, ...own } = options as Params;
  return { ...params(own), ...requestOptions({ timeout, maxRetries, headers, query }) };
}

/** The same for calls whose own `timeout` is the time that all of it may take. */
export function runParams(options: object = {}): Params {
  if (!isOptions(options)) return refused(options);
  const { maxRetries, headers, query, ...own } = options as Params;
  return { ...params(own), ...requestOptions({ maxRetries, headers, query }) };
}

export function isOptions(options: unknown): options is object {
  return typeof options === "object" && options !== null && !Array.isArray(options);
}

function refused(options: unknown): Params {
  const what = options === null ? "null" : Array.isArray(options) ? "an array" : `a ${typeof options}`;
  const error = new TypeError(`the options must be an object, such as { input: { ... } }, not ${what}`);
  return { [REFUSED]: error } as Params;
}

function requestOptions({ headers, ...rest }: Params): Params {
  const options = params({
    ...rest,
    headers: headers instanceof Headers ? Object.fromEntries(headers) : headers,
  });
  return Object.keys(options).length > 0 ? { request_options: options } : {};
}
