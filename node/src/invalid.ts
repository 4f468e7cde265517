/** Refusing arguments. */
import { InvalidArgumentError } from "./errors";

/** Throws an {@link InvalidArgumentError}. */
export function invalid(message: string): never {
  throw new InvalidArgumentError({ code: "invalid_argument", message });
}

/** What kind of value this is, for a message: `an object`, `null`. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  const kind = Array.isArray(value) ? "array" : typeof value;
  return `${/^[aeiou]/.test(kind) ? "an" : "a"} ${kind}`;
}
