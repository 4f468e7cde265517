/** Private state of public objects. Unlike `#private` members, it can be reached through a proxy around the object. */

const STATE = Symbol("state");

/** Attaches `state` to `owner`, where neither enumeration nor JSON shows it. */
export function conceal<S>(owner: object, state: S): S {
  // A function, because Vue and others wrap an object that is read through their proxies, and the wrapper of a
  // native object cannot be used. Configurable, because a proxy may only replace the value of such a property.
  Object.defineProperty(owner, STATE, { value: () => state, configurable: true });
  return state;
}

/** The state that was attached to `owner`. */
export function reveal<S>(owner: object): S {
  return (owner as { [STATE]: () => S })[STATE]();
}
