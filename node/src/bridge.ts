/** The two verbs: `call` for one answer, `open` for many. Everything that reaches the core passes here. */
import { toError } from "./failures";
import { Carrier } from "./fetch";
import { FileOutput } from "./file-output";
import { expect, type Reply } from "./inbox";
import { invalid, kindOf } from "./invalid";
import { type NativeClient, type NativeStream, native } from "./native";
import type { Fetch } from "./options";
import { REFUSED } from "./params";
import { onAbort } from "./signals";
import { decode, type Encoded, encode, type Part } from "./value";

/** The response to each call, by the promise that the caller has. */
const responses = new WeakMap<PromiseLike<unknown>, () => Response>();

/** Makes `promise` stand for the same response as `source`. */
export function shareResponse(source: PromiseLike<unknown>, promise: PromiseLike<unknown>): void {
  const response = responses.get(source);
  if (response) responses.set(promise, response);
}

/**
 * Returns the result of a call together with the status and headers of its response.
 *
 * @param promise what a method of the client returned; not one made from it by `then` or an async function
 * @throws {InvalidArgumentError} if the promise is not from a method of the client
 * @example
 * const { data, response } = await withResponse(replicate.predictions.get(id));
 * console.log(data.status, response.headers.get("ratelimit-remaining"));
 */
export async function withResponse<T>(promise: PromiseLike<T>): Promise<{ data: T; response: Response }> {
  const data = await promise;
  const response = responses.get(promise);
  if (response === undefined) {
    invalid("`promise` must be the promise that a method of the client returned, before `then` or `await`");
  }
  return { data, response: response() };
}

/** How a call is made, beside its parameters. */
export interface CallOptions<T> {
  signal?: AbortSignal | undefined;
  /** Told of every state seen on the way. What it throws ends the call. */
  observe?: ((state: T) => void) | undefined;
}

/** A stream of the core, and what its failures are to the user. */
export interface Opened {
  stream: NativeStream;
  toError(thrown: unknown): unknown;
}

/** Parameters, by the names the core knows. */
export type Params = Record<string | symbol, unknown>;

/** The client of the core, and the user's `fetch` that carries its requests. */
export interface Core {
  client: NativeClient;
  fetch: Fetch | undefined;
}

/** The client of the core behind one `Replicate`, replaced whenever an option changes. */
export class Bridge {
  constructor(private readonly core: () => Core) {}

  /** Calls an operation of the core. */
  call<T>(operation: string, params: Params, options: CallOptions<unknown> = {}): Promise<T> {
    let meta: string | null = null;
    // The async function's own promise: a subclass of Promise in between would cut the stack trace.
    const promise = this.#send(operation, params, options, (reply) => {
      meta = reply.meta;
    }) as Promise<T>;
    responses.set(promise, () => responseOf(meta));
    return promise;
  }

  async #send(
    operation: string,
    params: Params,
    options: CallOptions<unknown>,
    answered: (reply: Reply) => void,
  ): Promise<unknown> {
    const { json, parts } = crossing(params);
    const { signal, observe } = options;
    checkSignal(signal);
    if (observe && typeof observe !== "function") {
      invalid(`the callback must be a function, not ${kindOf(observe)}`);
    }
    if (signal?.aborted) throw reasonOf(signal);
    const stop = signal || observe ? new native.NativeCancel() : undefined;
    const abort = () => stop?.cancel();
    const witness = observe && new Witness((json) => observe(this.#decode(json)), abort);
    const ignore = onAbort(signal, abort);
    let carrier: Carrier | undefined;
    try {
      const { client, fetch } = this.core();
      carrier = fetch && new Carrier(fetch);
      const reply = await expect(
        (number) => client.call(number, operation, json, parts, stop, witness !== undefined, carrier?.send),
        witness?.tell,
      );
      if (reply === undefined) throw STOPPED;
      answered(reply);
      return reply.bytes ?? this.#decode(reply.json, reply.files);
    } catch (thrown) {
      if (stop) keepAlive(native.drain(DRAIN_SECONDS));
      if (signal?.aborted) throw reasonOf(signal);
      witness?.finish();
      throw carrier?.raised ? carrier.raised.error : toError(thrown);
    } finally {
      ignore();
    }
  }

  /** Opens a stream of the core. Nothing is sent before its first `ready()`. */
  open(operation: string, params: Params): Opened {
    const { json, parts } = crossing(params);
    const { client, fetch } = this.core();
    const carrier = fetch && new Carrier(fetch);
    const stream = rethrow(() => client.open(operation, json, parts, carrier?.send));
    return { stream, toError: (thrown) => (carrier?.raised ? carrier.raised.error : toError(thrown)) };
  }

  /** A file that a model wrote. */
  file = (url: string): FileOutput => new FileOutput(this, url);

  #decode(json: string | null, files: string | null = null): unknown {
    return decode(json, files, this.file);
  }
}

/** Seen only by those who asked for the stop. */
const STOPPED = new Error("the call was stopped");

function crossing(params: Params): Encoded {
  if (params[REFUSED]) throw params[REFUSED];
  return encode(params);
}

/** How long requests that were left to the background may keep the process. */
const DRAIN_SECONDS = 8;

/** Runs something that nobody waits for; it only keeps the process until it is done. */
export function keepAlive(work: Promise<unknown>): void {
  work.catch(() => {});
}

/** What aborting `signal` is to reject with. */
export function reasonOf(signal: AbortSignal): unknown {
  return signal.reason ?? new DOMException("This operation was aborted", "AbortError");
}

/** Refuses what cannot be listened to. */
export function checkSignal(signal: AbortSignal | undefined): void {
  if (signal && typeof signal.addEventListener !== "function") {
    invalid(`\`signal\` must be an AbortSignal, not ${kindOf(signal)}`);
  }
}

/** Calls into the core without waiting, with errors as their classes. */
export function rethrow<T>(work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    throw toError(thrown);
  }
}

/** Calls a function of the core that needs no client; `beside` takes the places of nulls in `params`. */
export function compute<T>(operation: string, params: Params, beside: Part[] = []): T {
  const { json, parts = [] } = crossing(params);
  return rethrow(() => JSON.parse(native.compute(operation, json, [...parts, ...beside])) as T);
}

/** The message about an option that does not exist, with the one that was probably meant. */
export function unknownOption(given: string, known: string[]): string {
  const { advice } = compute<{ advice: string }>("options.advice", { given, known });
  return `options: unknown option \`${given}\`; ${advice}`;
}

/** Tells states, and stops at an exception. */
class Witness {
  #failed: { error: unknown } | undefined;

  constructor(
    private readonly observe: (json: string) => void,
    private readonly stop: () => void,
  ) {}

  readonly tell = (json: string): void => {
    if (this.#failed) return;
    try {
      this.observe(json);
    } catch (error) {
      this.#failed = { error };
      this.stop();
    }
  };

  /** Throws what the observer has thrown. */
  finish(): void {
    if (this.#failed) throw this.#failed.error;
  }
}

function responseOf(meta: string | null): Response {
  const [status, headers] = meta === null ? [200, []] : (JSON.parse(meta) as [number, [string, string][]]);
  return new Response(null, { status: status >= 200 && status <= 599 ? status : 200, headers });
}
