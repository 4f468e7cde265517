/** Functions of the user that a client calls for each request. */

import { globals } from "./globals";
import { receivedHeaders } from "./received-headers";

/** An attempt of a request that is about to be sent. */
export interface RequestEvent {
  /** Number of the request, the same in all events of its attempts. */
  readonly request: number;
  /** HTTP method. */
  readonly method: string;
  /** Complete URL. */
  readonly url: string;
  /**
   * Headers, which the hook may change. The `authorization` header with the client's token is omitted; one that the
   * hook sets replaces it in requests to the API, and is not sent to other hosts.
   */
  readonly headers: Headers;
  /** Body as text, or null for files and for a request without a body. */
  readonly body: string | null;
  /** Number of the attempt, from 1. */
  readonly attempt: number;
}

/** Rate limit that a response reports. */
export interface RateLimit {
  /** Number of requests allowed in the current window. */
  limit: number | null;
  /** Number of requests that remain in the current window. */
  remaining: number | null;
  /** Seconds until the window ends. */
  reset: number | null;
}

/** A response whose body has not been read. */
export interface ResponseEvent {
  /** Number of the request, the same in all events of its attempts. */
  readonly request: number;
  /** HTTP method of the request. */
  readonly method: string;
  /** URL of the request. */
  readonly url: string;
  /** HTTP status. */
  readonly status: number;
  readonly headers: Headers;
  /** Number of the attempt, from 1. */
  readonly attempt: number;
  /** Time from the start of the attempt to the headers of the response, in milliseconds. */
  readonly duration: number;
  /** Id of the request, for support inquiries. */
  readonly requestId: string | null;
  readonly rateLimit: RateLimit | null;
}

/** A failed attempt that will be retried. */
export interface RetryEvent {
  /** Number of the request, the same in all events of its attempts. */
  readonly request: number;
  /** HTTP method of the request. */
  readonly method: string;
  /** URL of the request, without its query. */
  readonly url: string;
  /** Number of the failed attempt, from 1. */
  readonly attempt: number;
  /** Time until the next attempt, in milliseconds. */
  readonly delay: number;
  /** Code of the error. */
  readonly code: string;
  /** Message of the error. */
  readonly message: string;
  /** HTTP status, or null if there was no response. */
  readonly status: number | null;
  /** Id of the request, or null if there was no response. */
  readonly requestId: string | null;
}

/** Functions to call for each request. A promise is awaited, and an exception ends the call, which rejects with it. */
export interface Hooks {
  onRequest?: ((request: RequestEvent) => void | Promise<void>) | undefined;
  onResponse?: ((response: ResponseEvent) => void | Promise<void>) | undefined;
  onRetry?: ((retry: RetryEvent) => void | Promise<void>) | undefined;
}

/** A question of the core to the hooks. */
export interface Question {
  ask: number;
  hook: "request" | "response" | "retry";
  /** The span that the request belongs to. */
  inside?: number;
  request: number;
  method: string;
  url: string;
  headers: Record<string, string>;
  attempt: number;
  body: string | null;
  status: number;
  duration: number;
  delay: number;
  code: string;
  message: string;
  request_id: string | null;
  rate_limit: RateLimit | null;
}

/** Headers to change; null removes one. */
export type Changes = [name: string, value: string | null][];

/** Calls the hooks for the requests of one call. */
export class HookCalls {
  /** The first exception of a hook. */
  raised: { error: unknown } | undefined;

  constructor(private readonly hooks: Hooks) {}

  /** Calls the hook for a question. Returns the headers to change, `added` among them. */
  async call(question: Question, added: Changes): Promise<Changes> {
    try {
      return question.hook === "request" ? await this.#request(question, added) : await this.#after(question);
    } catch (error) {
      this.raised ??= { error };
      throw error;
    }
  }

  async #request(question: Question, added: Changes): Promise<Changes> {
    const { onRequest } = this.hooks;
    if (!onRequest) return added;
    const { request, method, url, body, attempt } = question;
    const headers = new globals.Headers(question.headers);
    for (const [name, value] of added) if (value !== null) headers.set(name, value);
    await onRequest({ request, method, url, headers, body, attempt });
    const before = new globals.Headers(question.headers);
    const removed = [...before.keys()].filter((name) => !headers.has(name));
    const changed = [...headers].filter(([name, value]) => before.get(name) !== value);
    return [...removed.map((name): [string, null] => [name, null]), ...changed];
  }

  async #after(question: Question): Promise<Changes> {
    const { request, method, url, attempt, status, request_id: requestId } = question;
    if (question.hook === "response") {
      const headers = receivedHeaders(Object.entries(question.headers));
      const duration = question.duration * 1000;
      const rateLimit = question.rate_limit;
      await this.hooks.onResponse?.({
        request,
        method,
        url,
        status,
        headers,
        attempt,
        duration,
        requestId,
        rateLimit,
      });
    } else {
      const { code, message } = question;
      const delay = question.delay * 1000;
      await this.hooks.onRetry?.({ request, method, url, attempt, delay, code, message, status, requestId });
    }
    return [];
  }
}
