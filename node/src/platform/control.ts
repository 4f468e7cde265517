/** The control API of an emulator, with calls that return when the response has arrived. */
import { ask, follow, type HttpResponse } from "./thread";

/** Response of the control API. */
export interface Controlled {
  // biome-ignore lint/suspicious/noExplicitAny: the caller knows the response
  json: any;
  headers: Record<string, string>;
}

/**
 * Sends a control request and waits for the response.
 *
 * @throws {Error} if the emulator refuses the request or does not respond
 */
export function control(origin: string, method: string, path: string, body?: unknown): Controlled {
  const response = ask({
    url: `${origin}/_emulator/${path}`,
    method,
    type: "application/json",
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  return read(response, `${method} ${path}`);
}

/**
 * Connects a worker: waits until the emulator has it, and passes on the lines for it, and undefined after the last one.
 *
 * @throws {Error} if the emulator does not respond
 */
export function connect(origin: string, path: string, receive: (line: string | undefined) => void): void {
  read(follow(`${origin}/_emulator/${path}`, receive), `GET ${path}`);
}

function read(response: HttpResponse | undefined, request: string): Controlled {
  if (response === undefined) throw new Error(`the emulator did not respond to ${request}`);
  if (response.error?.includes("ECONNREFUSED"))
    throw new Error("the emulator has stopped; use it, also for assertions, before `close()`");
  if (response.error !== undefined) throw new Error(`the emulator does not respond: ${response.error}`);
  const text = Buffer.from(response.body).toString();
  const json = text === "" ? undefined : JSON.parse(text);
  if (response.status >= 400)
    throw new Error(json?.detail ?? `the emulator responded with status ${response.status} to ${request}`);
  return { json, headers: response.headers };
}
