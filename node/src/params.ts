/** From the names and units of JavaScript to those of the core. */
import type { Params } from "./bridge";

/** Under this key parameters carry why they cannot be used, so that their call rejects rather than throws. */
export const REFUSED = Symbol("refused");

/**
 * The options of a call as parameters: `signal` is dealt with on this side, `camelCase` becomes
 * `snake_case`, and milliseconds become seconds. What the core does not know it refuses by name.
 */
export function params(options: object = {}): Params {
  const result: Params = {};
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || name === "signal") continue;
    result[snake(name)] = SECONDS.has(name) && typeof value === "number" ? value / 1000 : value;
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

function isOptions(options: unknown): boolean {
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

const SECONDS = new Set(["timeout", "connectTimeout", "idleTimeout", "interval", "pollInterval"]);

function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
