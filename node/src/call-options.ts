/** Converts the options of calls to parameters of the core. */
import { type Params, REJECTION, unknownOption } from "./compute";
import { InvalidArgumentError } from "./errors";
import { globals } from "./globals";
import { invalid, kindOf } from "./invalid";
import { callOptions, inward, isCoreName } from "./names";

/** Shown for the options of a call that has an input. */
export const WITH_INPUT = "{ input: { ... } }";

/** Options that this side handles. */
const LOCAL = new Set(["signal", "onProgress", "onUpload"]);

/** Options of the request, whatever the call. */
const OF_REQUEST = new Set(["maxRetries", "headers", "query"]);
const OF_REQUEST_AND_TIMEOUT = new Set([...OF_REQUEST, "timeout"]);

/** Converts the options of a client to the core's names and units. The core rejects those that it does not know. */
export function clientParams(options: object): Params {
  return partition(options, new Set());
}

/** Converts the options of a call. `timeout` is that of the request with its retries. */
export function requestParams(options: object = {}, example = "{ signal }"): Params {
  return isOptions(options)
    ? partition(options, OF_REQUEST_AND_TIMEOUT)
    : reject(notAnObject(options, example));
}

/** Merges the only parameter of a method with its options. `ids.map(replicate.predictions.get)` passes an index for these. */
export function singleParams(single: Params, options: object): Params {
  return merge(single, typeof options === "number" ? {} : requestParams(options));
}

/** Converts the options of a call whose `timeout` is that of the whole call. */
export function runParams(options: object = {}, example = "{ signal }"): Params {
  return isOptions(options) ? partition(options, OF_REQUEST) : reject(notAnObject(options, example));
}

/**
 * Merges parameters passed by position with those in objects. Rejects a name that occurs twice, because one of its
 * values would be lost.
 */
export function merge(positional: Params, ...objects: object[]): Params {
  const result = { ...positional };
  for (const object of objects) {
    if (!isOptions(object)) return reject(notAnObject(object));
    const given = Object.keys(object).filter((name) => (object as Params)[name] !== undefined);
    const repeated = given.find((name) => result[name] !== undefined);
    if (repeated !== undefined) {
      return reject(`\`${repeated}\` is passed by position and cannot be repeated in an object`, repeated);
    }
    Object.assign(result, object);
  }
  return result;
}

/** Splits options into parameters and those that go into `request_options`. */
function partition(options: object, ofRequest: Set<string>): Params {
  const result: Params = {};
  let request: Params | undefined;
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    if (LOCAL.has(name)) {
      if (name !== "signal") Object.assign(result, callback(name, value));
      continue;
    }
    // Encoding such a value would fail before the core could say that the option is unknown.
    if (isCoreName(name) || (isForeign(value) && !callOptions().includes(name))) return rejectUnknown(name);
    if (typeof value === "number" && !Number.isFinite(value)) {
      return reject(`\`${name}\` must be a finite number, not ${value}; omit it for the default`, name);
    }
    const [coreName, converted] = inward(name, value);
    if (ofRequest.has(name)) {
      request ??= {};
      request[coreName] = headersObject(converted);
    } else {
      result[coreName] = converted;
    }
  }
  if (request) result.request_options = request;
  return result;
}

/** Returns whether no option takes such a value: a function, a logger, an agent. */
function isForeign(value: unknown): boolean {
  if (typeof value === "function") return true;
  if (typeof value !== "object" || value === null || Symbol.iterator in value || "toJSON" in value)
    return false;
  const { name } = value.constructor ?? Object;
  return name !== "Object" || Object.prototype.toString.call(value) !== "[object Object]";
}

/**
 * Converts `Headers` to a plain object, and returns other values as they are. Checks `typeof` first, because the first mention
 * of `Headers` makes Node load all of `fetch`.
 */
export function headersObject<T>(value: T): Exclude<T, Headers> | Record<string, string> {
  return typeof value === "object" && value instanceof globals.Headers
    ? Object.fromEntries(value)
    : (value as Exclude<T, Headers>);
}

/** Returns parameters with which the call rejects if a callback is given that is not a function. */
export function callback(name: string, given: unknown): Params {
  return !given || typeof given === "function"
    ? {}
    : reject(`\`${name}\` must be a function, not ${kindOf(given)}`, name);
}

export function isOptions(options: unknown): options is object {
  return typeof options === "object" && options !== null && !Array.isArray(options);
}

/** Throws if `options` is not an object such as `example`. */
export function checkOptions(options: unknown, example: string): void {
  if (!isOptions(options)) invalid(notAnObject(options, example));
}

/** Returns parameters with which the call rejects. */
export function reject(message: string, argument?: string): Params {
  return { [REJECTION]: new InvalidArgumentError({ code: "invalid_argument", message, argument }) } as Params;
}

const rejectUnknown = (name: string) => reject(unknownOption(name, callOptions()), name);

const notAnObject = (given: unknown, example = "") =>
  `the options must be an object${example && `, such as ${example}`}, not ${kindOf(given)}`;
