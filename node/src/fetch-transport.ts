/** Sends the core's requests with the user's `fetch`. */
import { sendForm } from "./fetch-form";
import { toInit } from "./fetch-request";
import { failureOf, toNative } from "./fetch-response";
import type { NativeFetch } from "./native";
import type { Fetch } from "./options";
import { platform } from "./platform";

/** Sends the requests of one call. Retries, redirects and timeouts stay in the core. */
export class FetchTransport {
  /** An exception of the function itself, not of the network. The call rejects with it. */
  raised: { error: unknown } | undefined;
  readonly #running = new Map<number, AbortController>();

  constructor(private readonly fetch: Fetch) {}

  /** Called by the core from a native thread; runs `fetch` in the async context of the constructor's caller. */
  readonly send: NativeFetch = platform.bindAsync(async (number, request) => {
    if (request === null) {
      this.#running.get(number)?.abort();
      return undefined;
    }
    const controller = new AbortController();
    this.#running.set(number, controller);
    // Implementations of `fetch` continue to read the body of a request that has failed.
    const end = () => request.stream?.close().catch(() => {});
    try {
      // Called without `this`: some implementations require it to be the global object.
      const { fetch } = this;
      const made = toInit(request, controller.signal);
      const { url, init } = made instanceof Promise ? await made : made;
      // The official package passes URL objects for its own requests, and text for URLs that the API returned.
      const asText = platform.isOfRuntime(fetch) || !("Authorization" in init.headers);
      const target = asText ? url : new URL(url);
      const send = (init: RequestInit) => fetch(target as string, init);
      const response = await sendForm(init, Boolean(request.stream), send);
      if (response?.ok === false) end();
      // The core asks for unencoded bytes of what it reads in parts: files, which it resumes, and events.
      const inParts = "Accept-Encoding" in init.headers;
      return await toNative(response, inParts, () => controller.abort());
    } catch (thrown) {
      end();
      const { error, ...failure } = failureOf(thrown, request.head.split("\n")[1] ?? "");
      if (failure.raised) this.raised = { error };
      return failure;
    } finally {
      this.#running.delete(number);
    }
  });
}
