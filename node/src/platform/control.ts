/** The control API of an emulator, with calls that return when the response has arrived. */
import { ask } from "./thread";

/** Response of the control API. */
export interface Answer {
  // biome-ignore lint/suspicious/noExplicitAny: the caller knows the response
  json: any;
  headers: Record<string, string>;
}

/**
 * Sends a control request and waits for the response.
 *
 * @throws {Error} if the emulator refuses the request or does not respond
 */
export function control(origin: string, method: string, path: string, body?: unknown): Answer {
  const answer = ask({
    url: `${origin}/_emulator/${path}`,
    method,
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  if (answer === undefined) throw new Error(`the emulator did not respond to ${method} ${path}`);
  if (answer.error !== undefined) throw new Error(`the emulator does not respond: ${answer.error}`);
  const json = answer.text === "" ? undefined : JSON.parse(answer.text);
  if (answer.status >= 400) throw new Error(json.detail);
  return { json, headers: answer.headers };
}
