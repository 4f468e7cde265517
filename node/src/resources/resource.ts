import type { Bridge } from "../bridge";

/** A group of methods. They are bound, so that `paginate(replicate.predictions.list)` works. */
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
