/** Rejecting arguments on this side of the boundary. */
import { InvalidArgumentError } from "./errors";

/**
 * Throws an {@link InvalidArgumentError}.
 *
 * @param argument the option or argument that `message` names
 */
export function invalid(message: string, argument?: string): never {
  throw new InvalidArgumentError({ code: "invalid_argument", message, argument });
}

/** Returns the kind of `value` for a message: `an object`, `null`. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  const kind = Array.isArray(value) ? "array" : typeof value;
  return `${/^[aeiou]/.test(kind) ? "an" : "a"} ${kind}`;
}
