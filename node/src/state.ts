/** Private state of public objects. Unlike `#private` fields, it is accessible through a proxy around the object. */

const STATE = Symbol("state");

/** Attaches `state` to `owner`, hidden from enumeration and JSON. */
export function conceal<S>(owner: object, state: S): S {
  // A function, because the proxies of Vue and others wrap objects that are read through them, and a wrapped native
  // object does not work. Configurable, because a proxy may replace the value only of such a property.
  Object.defineProperty(owner, STATE, { value: () => state, configurable: true });
  return state;
}

/** Returns the state attached to `owner`. */
export function reveal<S>(owner: object): S {
  const state = (owner as { [STATE]?: () => S } | undefined)?.[STATE];
  if (!state) {
    const problem = "not alone or on a copy of a client";
    throw new TypeError(`call the method on its object, such as \`replicate.run(...)\`, ${problem}`);
  }
  return state();
}
