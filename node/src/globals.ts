/** The global classes, some of which test environments lack: Jest's with jsdom has no `Response`. */
export let globals: typeof globalThis = globalThis;

/** Replaces the global object that this package uses. */
export function setGlobals(others: typeof globalThis): void {
  globals = others;
}
