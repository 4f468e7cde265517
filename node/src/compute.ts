/** Calls that need no client: parameters, errors, and `compute`, the core's functions without a request. */
import { toError } from "./failures";
import { outwardPath } from "./names";
import { native } from "./native";
import type { ReadFailure } from "./source";
import { type Encoded, encode, type Part } from "./value";

/** Parameters of an operation, by the core's names. */
export type Params = Record<string | symbol, unknown>;

/** Key of the error with which a call with these parameters rejects, since methods never throw. */
export const REJECTION = Symbol("rejection");

/**
 * Encodes parameters for the core.
 *
 * @param failed receives the error if a file cannot be read
 * @throws {InvalidArgumentError} if they cannot be sent
 */
export function encodeParams(params: Params, failed?: ReadFailure): Encoded {
  if (params[REJECTION]) throw params[REJECTION];
  return encode(params, outwardPath, failed);
}

/** Calls the core synchronously. Throws its errors as their classes. */
export function rethrow<T>(call: () => T): T {
  try {
    return call();
  } catch (thrown) {
    throw toError(thrown);
  }
}

/**
 * Calls a function of the core that sends no request.
 *
 * @param beside further parts, whose paths hold nulls in `params`
 * @param failed receives the error if a file cannot be read
 */
export function compute<T>(operation: string, params: Params, beside: Part[] = [], failed?: ReadFailure): T {
  const { json, parts = [] } = encodeParams(params, failed);
  return rethrow(() => JSON.parse(native.compute(operation, json, [...parts, ...beside]) ?? "null") as T);
}

/** Returns the message for an unknown option, with the most similar of the `known` ones. */
export function unknownOption(given: string, known: string[]): string {
  const { advice } = compute<{ advice: string }>("options.advice", { given, known });
  return `options: unknown option \`${given}\`; ${advice}`;
}
