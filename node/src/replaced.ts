/** Sends requests through methods that a program has replaced, as 1.4.0 does: stubs, spies and overrides of subclasses. */

import { Raised } from "./fetch-response";
import { globals } from "./globals";
import type { Fetch, RawRequestOptions } from "./options";
import { platform } from "./platform";
import type { Telemetry } from "./telemetry";

/** The methods of a client that 1.4.0 calls for the requests of its other methods. */
export interface Owner {
  request(route: string, options: RawRequestOptions): Promise<Response>;
  predictions: {
    create(options: never): Promise<unknown>;
    get(id: string): Promise<unknown>;
    cancel(id: string): Promise<unknown>;
  };
}

/** Headers that `request` adds itself, apart from the token. */
const OWN = new Set(["user-agent", "content-length"]);

/**
 * Returns a `fetch` that calls the methods of `owner`.
 *
 * @param replaced the methods of `predictions` that were replaced; the other requests are those of `owner.request`
 * @param baseUrl returns the URL of the API
 * @param token the token of the client, which `request` adds itself
 * @param send sends what is read in parts, files and events, which 1.4.0 also passes to `fetch`, and cancels at the end of
 *   the process, when calls of `request` would be abandoned
 */
export function through(
  owner: Owner,
  replaced: string,
  baseUrl: () => string,
  token: string,
  send: Fetch,
): Fetch {
  return async (target, init = {}) => {
    const { ...headers } = init.headers as Record<string, string>;
    if ("Accept-Encoding" in headers || platform.isEnding()) return send(target, init);
    if (headers.Authorization === `Bearer ${token}`) delete headers.Authorization;
    const url = String(target);
    const base = baseUrl();
    const route = url.startsWith(`${base}/`) ? url.slice(base.length) : url;
    try {
      return await reply(owner, replaced, route, init, headers);
    } catch (error) {
      throw init.signal?.aborted ? error : new Raised(error);
    }
  };
}

/** Omits the requests that the methods send, which are reported there. What is left is events, and logs without a request. */
export function withoutSent(telemetry: Telemetry): Telemetry {
  const { onRequest, onResponse, onRetry } = telemetry.hooks;
  if (!onRequest && !onResponse && !onRetry) return { ...telemetry, omits };
  /** Numbers of the requests whose attempt is reported. */
  const reported = new Set<number>();
  const hooks: Telemetry["hooks"] = {
    onRequest(event) {
      if (!event.headers.has("Accept-Encoding")) return;
      reported.add(event.request);
      return onRequest?.(event);
    },
    onResponse(event) {
      if (!reported.has(event.request)) return;
      if (event.status < 400) reported.delete(event.request);
      return onResponse?.(event);
    },
    onRetry(event) {
      return reported.delete(event.request) ? onRetry?.(event) : undefined;
    },
  };
  return { ...telemetry, hooks, omits };
}

const omits: Telemetry["omits"] = ({ fields }) => "method" in fields;

async function reply(
  owner: Owner,
  replaced: string,
  route: string,
  { method = "GET", body, signal }: RequestInit,
  headers: Record<string, string>,
): Promise<Response> {
  const isJson = typeof body === "string";
  const extra = Object.entries(headers).filter(
    ([name]) => !OWN.has(name.toLowerCase()) && !(isJson && name.toLowerCase() === "content-type"),
  );
  const data = isJson ? parseExactly(body) : await whole(body);
  const [, target, id, action] =
    /^\/(?:models\/([^/]+\/[^/]+)\/)?predictions(?:\/([^/?]+)(\/cancel)?)?$/.exec(route) ?? [];
  const is = (name: string, matches: boolean) => matches && replaced.includes(name);
  if (is("get", method === "GET" && id !== undefined && !action)) {
    return respond("get", await owner.predictions.get(id as string), id);
  }
  if (is("cancel", method === "POST" && action !== undefined)) {
    return respond("cancel", (await owner.predictions.cancel(id as string)) ?? {}, id);
  }
  if (is("create", method === "POST" && id === undefined && /predictions$/.test(route))) {
    const { Prefer: prefer, ...others } = Object.fromEntries(extra);
    const options = {
      ...(data as object),
      ...(target ? { model: target } : {}),
      wait: prefer ? Number(prefer.slice("wait=".length)) || true : false,
      ...(Object.keys(others).length > 0 ? { headers: others } : {}),
    };
    return respond("create", await owner.predictions.create(options as never));
  }
  const options = { method, headers: Object.fromEntries(extra), data, signal };
  const response = await owner.request(route, options);
  if (typeof response !== "object" || response === null) {
    throw new TypeError(
      `\`request\` must return a Response, not ${response === null ? "null" : typeof response}`,
    );
  }
  return response;
}

/** Parses JSON. Integers that a number would round are BigInts, as in the input that they come from. */
function parseExactly(json: string): unknown {
  let mark = "n";
  while (json.includes(`"${mark}`)) mark += "n";
  const tokens = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g;
  let found = false;
  const marked = json.replace(tokens, (token) => {
    if (!/^-?\d{16,}$/.test(token) || String(Number(token)) === token) return token;
    found = true;
    return `"${mark}${token}"`;
  });
  if (!found) return JSON.parse(json);
  const isMarked = (value: unknown): value is string => typeof value === "string" && value.startsWith(mark);
  return JSON.parse(marked, (_, value) => (isMarked(value) ? BigInt(value.slice(mark.length)) : value));
}

/** Reads a body that is a stream, of the web or of Node. `request` takes none. */
function whole(body: unknown): unknown {
  const isStream = "getReader" in Object(body) || Symbol.asyncIterator in Object(body);
  return isStream ? new globals.Response(body as BodyInit).arrayBuffer() : body;
}

/** Responds with a prediction, which has the id that the core asked for: it ignores others, and a stub may have none. */
function respond(method: string, prediction: unknown, id?: string): Response {
  if (typeof prediction !== "object" || prediction === null) {
    throw new TypeError(
      `\`predictions.${method}\` must return a prediction, not ${prediction === null ? "null" : typeof prediction}`,
    );
  }
  const rounded = (_: string, value: unknown) => (typeof value === "bigint" ? Number(value) : value);
  return new globals.Response(JSON.stringify(id ? { ...prediction, id } : prediction, rounded));
}
