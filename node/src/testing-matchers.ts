/** Matchers in an expected input: regular expressions, and the asymmetric matchers of test runners. */
import { plain } from "./testing-arguments";

interface AsymmetricMatcher {
  asymmetricMatch(value: unknown): boolean;
  toAsymmetricMatcher?(): string;
}

/** An expected input without matchers. */
interface Filled {
  input: unknown;
  matchers: number;
  /** Number of matchers that did not match. */
  misses: number;
}

/**
 * Replaces each matcher in an expected input: by the value of the actual input if that matches, otherwise by its text.
 *
 * @throws {InvalidArgumentError} if the expected input has a value that cannot be compared; the message has its path
 */
export function filled(expected: unknown, actual: unknown): Filled {
  const counts = { matchers: 0, misses: 0 };
  const fill = (value: unknown, given: unknown, ancestors: unknown[]): unknown => {
    if (isMatcher(value)) {
      counts.matchers++;
      if (given !== undefined && matches(value, given)) return given;
      counts.misses++;
      return "asymmetricMatch" in value ? (value.toAsymmetricMatcher?.() ?? String(value)) : String(value);
    }
    // `plain` rejects a circular reference.
    if (!isPlain(value) || ancestors.includes(value)) return value;
    const within = [...ancestors, value];
    const members = Object.entries(value).map(([name, member]) => {
      return [
        name,
        fill(member, (given as Record<string, unknown> | undefined | null)?.[name], within),
      ] as const;
    });
    return Array.isArray(value) ? members.map(([, item]) => item) : Object.fromEntries(members);
  };
  return { ...plain({ input: fill(expected, actual, []) }, "use `ANY` for it"), ...counts };
}

function isMatcher(value: unknown): value is RegExp | AsymmetricMatcher {
  return isRegExp(value) || typeof (value as AsymmetricMatcher | null)?.asymmetricMatch === "function";
}

/** Also of another realm, such as that of a test runner. */
function isRegExp(value: unknown): value is RegExp {
  return Object.prototype.toString.call(value) === "[object RegExp]";
}

function matches(matcher: RegExp | AsymmetricMatcher, value: unknown): boolean {
  if (!isRegExp(matcher)) return matcher.asymmetricMatch(value);
  // Unlike `test`, it ignores where the last match of a global expression ended.
  return typeof value === "string" && value.search(matcher) !== -1;
}

function isPlain(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return Array.isArray(value) || prototype === null || Object.getPrototypeOf(prototype) === null;
}
