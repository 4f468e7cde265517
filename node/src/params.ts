/** The options of calls, as parameters of the core. */
import type { Params } from "./bridge";
import { unknownOption } from "./bridge";
import { InvalidArgumentError } from "./errors";
import { kindOf } from "./invalid";
import { CALL_OPTIONS, inward } from "./names";

/** Under this key parameters carry why they cannot be used, so that their call rejects rather than throws. */
export const REFUSED = Symbol("refused");

/** Options that stay on this side. */
const HERE = new Set(["signal", "onProgress", "onUpload"]);

/** Options of the request, whatever the call. */
const OF_REQUEST = new Set(["maxRetries", "headers", "query"]);
const OF_REQUEST_AND_TIMEOUT = new Set([...OF_REQUEST, "timeout"]);
const NONE = new Set<string>();

/** Options by the names and units of the core. What it does not know it refuses by name. */
export function params(options: object = {}): Params {
  return sorted(options, NONE);
}

/** Parameters with what concerns the request alone (its timeout, retries, headers) set apart. */
export function requestParams(options: object = {}): Params {
  return isOptions(options) ? sorted(options, OF_REQUEST_AND_TIMEOUT) : noOptions(options);
}

/** The same for calls whose own `timeout` is the time that all of it may take. */
export function runParams(options: object = {}): Params {
  return isOptions(options) ? sorted(options, OF_REQUEST) : noOptions(options);
}

/** The options named in `apart` go into `request_options`. */
function sorted(options: object, apart: Set<string>): Params {
  const result: Params = {};
  let request: Params | undefined;
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || HERE.has(name)) continue;
    // The core would be asked too late: such a value cannot be sent to it.
    if (isForeign(value) && !CALL_OPTIONS.includes(name)) return refused(unknownOption(name, CALL_OPTIONS));
    const [theirs, converted] = inward(name, value);
    if (apart.has(name)) {
      request ??= {};
      request[theirs] = plain(converted);
    } else {
      result[theirs] = converted;
    }
  }
  if (request) result.request_options = request;
  return result;
}

/** Whether a value has no form that an option takes: a function, a logger, an agent. */
function isForeign(value: unknown): boolean {
  if (typeof value === "function") return true;
  if (typeof value !== "object" || value === null || Symbol.iterator in value || "toJSON" in value)
    return false;
  const { name } = value.constructor ?? Object;
  return name !== "Object" || Object.prototype.toString.call(value) !== "[object Object]";
}

/** Only objects are asked whether they are Headers: the first mention of that class has Node load all of `fetch`. */
function plain(value: unknown): unknown {
  return typeof value === "object" && value instanceof Headers ? Object.fromEntries(value) : value;
}

export function isOptions(options: unknown): options is object {
  return typeof options === "object" && options !== null && !Array.isArray(options);
}

function refused(message: string): Params {
  return { [REFUSED]: new InvalidArgumentError({ code: "invalid_argument", message }) } as Params;
}

const noOptions = (given: unknown) =>
  refused(`the options must be an object, such as { input: { ... } }, not ${kindOf(given)}`);
