import { compute } from "./bridge";

/** A reference in its parts. */
export interface ModelReferenceParts {
  owner: string | null;
  name: string | null;
  version: string | null;
}

/**
 * Takes `owner/name` or `owner/name:version` apart.
 *
 * @throws {InvalidArgumentError} if it is neither
 */
export function parseModelReference(ref: string): ModelReferenceParts {
  return compute("identifier.parse", { ref });
}
