/** The responses that handlers return. */

/**
 * Returns `value` as a `Response` of this runtime; undefined if it is none. Libraries and polyfills have classes of their
 * own.
 */
export function responseOf(value: unknown): Response | undefined {
  if (value instanceof Response) return value;
  const { status, headers, body, statusText } = (value ?? {}) as Partial<Response>;
  if (typeof status !== "number" || typeof headers?.forEach !== "function") return undefined;
  const copied = new Headers();
  headers.forEach((value, name) => {
    copied.append(name, value);
  });
  return new Response(body ?? null, { status, statusText: statusText ?? "", headers: copied });
}
