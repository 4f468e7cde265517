import type { Bridge } from "../bridge";

/** The methods of a group as properties, so that types allow to copy and replace them: `{ ...replicate.models, list }`. */
export type Namespace<T> = { [Name in keyof T]: T[Name] };

/**
 * A group of methods. They are bound, so that `paginate(replicate.predictions.list)` works.
 *
 * Methods whose result is more than the official package declares have two overloads: ours, and the official one. A
 * function of the official type, such as a test double, can then stand for the method: with several overloads the
 * compiler takes type parameters for `any` when it compares. `ReturnType` and `Parameters` see the last overload. Both
 * have the same type parameters, or else parameters of a double written in place would have no types.
 */
export abstract class Resource {
  /** @internal */
  declare protected readonly bridge: Bridge;

  /** @internal */
  constructor(bridge: Bridge) {
    // Not enumerable, so that printing a namespace shows its methods only; configurable, so that a proxy may replace it.
    Object.defineProperty(this, "bridge", { value: bridge, configurable: true });
    const prototype = Object.getPrototypeOf(this) as Record<string, unknown>;
    for (const name of Object.getOwnPropertyNames(prototype)) {
      const method = prototype[name];
      if (name !== "constructor" && typeof method === "function") {
        Object.defineProperty(this, name, { value: method.bind(this), enumerable: true, writable: true });
      }
    }
  }
}
