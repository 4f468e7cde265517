import { compute } from "./compute";

/** The parts of a model reference. */
export interface ModelReferenceParts {
  owner: string | null;
  name: string | null;
  version: string | null;
}

/**
 * Parses `owner/name` or `owner/name:version`.
 *
 * @throws {InvalidArgumentError} if it is neither
 */
export function parseModelReference(ref: string): ModelReferenceParts {
  return compute("identifier.parse", { ref });
}
