import type { Calls } from "../calls";

/** The methods of a resource as properties, which can be spread and replaced: `{ ...replicate.models, list }`. */
export type Namespace<T> = { [Name in keyof T]: T[Name] };

/**
 * A group of methods, which are bound so that `paginate(replicate.predictions.list)` works.
 *
 * A method that returns more than the official package declares has two overloads: ours, then the official one. A
 * function of the official type, such as a test double, can then replace the method, because the compiler treats type
 * parameters as `any` when it compares overloaded functions. `ReturnType` and `Parameters` use the last overload. Both
 * overloads need the same type parameters, or the compiler infers no types for the parameters of such a function.
 */
export abstract class Resource {
  /** @internal */
  declare protected readonly calls: Calls;

  /** @internal */
  constructor(calls: Calls) {
    // Not enumerable, so that a printed resource shows only its methods; configurable, so that a proxy can replace it.
    Object.defineProperty(this, "calls", { value: calls, configurable: true });
    const prototype = Object.getPrototypeOf(this) as Record<string, unknown>;
    for (const name of Object.getOwnPropertyNames(prototype)) {
      const method = prototype[name];
      if (name !== "constructor" && typeof method === "function") {
        const value = method.bind(this);
        Object.defineProperty(this, name, { value, enumerable: true, writable: true, configurable: true });
      }
    }
  }
}
