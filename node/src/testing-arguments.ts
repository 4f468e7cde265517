/** Arguments of the testing kit: what would be ignored or read as another value is rejected. */
import { unknownOption } from "./compute";
import { invalid, kindOf } from "./invalid";
import { encode, formatPath, type Part } from "./value";

/** What an option must be, in the words of an error. */
type Kind = "a string" | "a number" | "a boolean" | "an array" | "an object" | "any value";

/** The kind of each option. */
export type Kinds<T> = { [Name in keyof T]-?: Kind };

/**
 * Returns a copy of options.
 *
 * @throws {InvalidArgumentError} if an option is unknown, has another kind or cannot be sent as JSON
 */
export function checkedOptions<T extends object>(given: T, kinds: Kinds<T>): T {
  if (kindOf(given) !== "an object") {
    invalid(`the options must be an object, such as { ${Object.keys(kinds)[0]}: ... }, not ${kindOf(given)}`);
  }
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(kinds, name)) invalid(unknownOption(name, Object.keys(kinds)), name);
    const kind = kinds[name as keyof T];
    if (value === undefined || kind === "any value") continue;
    // NaN and infinities would be sent as null.
    const found = typeof value === "number" && !Number.isFinite(value) ? String(value) : kindOf(value);
    if (found !== kind) invalid(`options: \`${name}\` must be ${kind}, not ${found}`, name);
  }
  return plain(given);
}

/**
 * Returns a copy of a value as JSON.
 *
 * @param advice what to do if there is a file inside it
 * @throws {InvalidArgumentError} if a value inside it is not JSON; the message has its path
 */
export function plain<T extends object>(value: T, advice = "pass a URL"): T {
  const { json, parts: [part] = [] } = encode(value);
  if (part === undefined) return JSON.parse(json);
  if (part.digits !== undefined) rejectBigInt(part);
  return invalid(`\`${formatPath(JSON.parse(part.path))}\`: a file cannot be passed here; ${advice}`);
}

/** @throws {InvalidArgumentError} always */
export function rejectBigInt(part: Part): never {
  invalid(
    `\`${formatPath(JSON.parse(part.path))}\`: a bigint cannot be sent; convert it to a number or a string`,
  );
}
