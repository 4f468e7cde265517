/** Failed assertions, as test runners know them. */
import { AssertionError } from "node:assert";

/** Returns the error of an assertion that failed. */
export function assertionError(message: string): Error {
  return new AssertionError({ message });
}
