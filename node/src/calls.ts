/** Sends operations to the core: `call` for one result, `open` for a stream. */
import { channel, complete, follow } from "./completion-channel";
import { encodeParams, type Params, rethrow } from "./compute";
import { toError } from "./failures";
import { FetchTransport } from "./fetch-transport";
import { type NativeClient, type NativeStream, native } from "./native";
import { Observer } from "./observer";
import type { Fetch } from "./options";
import { platform } from "./platform";
import { attachResponse, type ResponseRecord, recordResponse } from "./responses";
import { checkSignal, onAbort, reasonOf, type Signal } from "./signals";
import type { ReadFailure } from "./source";
import { type Receiver, receiverOf, type Telemetry } from "./telemetry";
import { decode } from "./value";

/** Options of a call, apart from its parameters. */
export interface CallOptions<T> {
  signal?: Signal;
  /** Called with every state of the call. An exception ends the call, which rejects with it. */
  observe?: ((state: T) => void) | undefined;
  /** Whether the call runs a prediction that is canceled when the process ends. */
  runs?: boolean | undefined;
}

/** An open stream of the core. */
export interface Opened {
  stream: NativeStream;
  /** Called when the stream has ended. */
  release(): void;
  /** Returns the error to throw for an exception of the stream. */
  toError(thrown: unknown): unknown;
  /** Closes the stream. Returns a promise if the caller must wait for the requests that follow. */
  close(): Promise<void> | undefined;
}

/** A client of the core, and the options that it does not see. */
export interface Core {
  client: NativeClient;
  fetch: Fetch | undefined;
  /** What calls report; undefined if nothing. */
  telemetry: Telemetry | undefined;
  /** Whether calls create spans if the program uses OpenTelemetry. */
  tracing: boolean;
  cancelOnExit: boolean;
  waitUntil: WaitUntil | undefined;
}

type WaitUntil = (promise: Promise<unknown>) => void;

/** Calls the core for one `Replicate`. */
export class Calls {
  /**
   * @param core returns the client of the core, which is replaced when an option changes
   * @param newFile makes the object for a file's URL
   */
  constructor(
    private readonly core: () => Core,
    private readonly newFile: (calls: Calls, url: string) => unknown,
  ) {}

  /** Calls an operation of the core. */
  call<T>(operation: string, params: Params, options: CallOptions<unknown> = {}): Promise<T> {
    const record: ResponseRecord = { meta: null };
    // Return the async function's own promise: a promise in between would cut the stack trace.
    const promise = this.#send(operation, params, options, record) as Promise<T>;
    recordResponse(promise, record);
    return promise;
  }

  async #send(
    operation: string,
    params: Params,
    options: CallOptions<unknown>,
    record: ResponseRecord,
  ): Promise<unknown> {
    const failed: ReadFailure = {};
    const { json, parts } = encodeParams(params, failed);
    const { signal, observe, runs } = options;
    checkSignal(signal);
    if (signal?.aborted) throw reasonOf(signal);
    const waits = runs && !platform.keepsBackground;
    const cancel = signal || observe || waits ? new native.NativeCancel() : undefined;
    const abort = () => cancel?.cancel();
    const observer = observe && new Observer((json) => observe(this.#decode(json)), abort, signal);
    const ignore = onAbort(signal, abort);
    let transport: FetchTransport | undefined;
    let receiver: Receiver | undefined;
    let release: (() => void) | undefined;
    let waitUntil: WaitUntil | undefined;
    try {
      const core = this.core();
      const { client, fetch, telemetry, tracing, cancelOnExit } = core;
      waitUntil = core.waitUntil;
      transport = fetch && new FetchTransport(fetch);
      if (runs && cancelOnExit) release = platform.cancelAtExit(channel);
      receiver = receiverOf(telemetry, tracing);
      const wanted = receiver?.wanted(follow(receiver.receive));
      const reply = await complete(
        (number) =>
          client.call(
            number,
            operation,
            json,
            parts,
            cancel,
            observer !== undefined,
            transport?.send,
            wanted,
          ),
        observer?.notify,
      );
      if (reply === undefined) throw STOPPED;
      // An observer may have ended the call when the core already had its result.
      observer?.rethrow();
      record.meta = reply.meta;
      return reply.bytes ?? attachResponse(this.#decode(reply.json, reply.files), reply.meta);
    } catch (thrown) {
      if (cancel || runs) {
        const drain = (limit: number) => cancel?.drain?.(limit) ?? native.drain(limit);
        const following = finishInBackground(drain, waitUntil);
        if (following) await following;
      }
      if (signal?.aborted) throw reasonOf(signal);
      observer?.rethrow();
      const raised = receiver?.raised ?? transport?.raised;
      throw raised ? raised.error : toError(thrown, failed);
    } finally {
      ignore();
      release?.();
    }
  }

  /** Opens a stream of the core, which runs a prediction if `runs`. Nothing is sent before the first `ready()`. */
  open(operation: string, params: Params, runs = false): Opened {
    const failed: ReadFailure = {};
    const { json, parts } = encodeParams(params, failed);
    const { client, fetch, telemetry, tracing, cancelOnExit, waitUntil } = this.core();
    const transport = fetch && new FetchTransport(fetch);
    const receiver = receiverOf(telemetry, tracing);
    const wanted = receiver?.wanted(follow(receiver.receive));
    const stream = rethrow(() => client.open(operation, json, parts, transport?.send, wanted));
    const release = runs && cancelOnExit ? platform.cancelAtExit(channel, stream) : () => {};
    let closing = false;
    return {
      stream,
      close: () => {
        closing = true;
        // Until then, the end of the process sends the cancel.
        return finishInBackground((limit) => stream.close(limit).finally(release), waitUntil);
      },
      release: () => {
        if (!closing) release();
      },
      toError: (thrown) => {
        const raised = receiver?.raised ?? transport?.raised;
        return raised ? raised.error : toError(thrown, failed);
      },
    };
  }

  /** Returns the object for a file's URL. */
  file = (url: string): unknown => this.newFile(this, url);

  #decode(json: string | null, files: string | null = null): unknown {
    return decode(json, files, this.file);
  }
}

/** Replaced by the signal's reason or the observer's exception. */
const STOPPED = new Error("the call was stopped");

/** How long requests that follow a call may take in the background, in milliseconds. */
const BACKGROUND_LIMIT = 25_000;
/** How long they may take while the caller waits: the hold of a create, and the cancel. */
const AWAITED_LIMIT = 6_000;

/**
 * Does work that the caller does not wait for. Returns a promise only if the caller must wait, because the runtime would end
 * the work.
 */
function finishInBackground(
  start: (limit: number) => Promise<unknown>,
  waitUntil: WaitUntil | undefined,
): Promise<void> | undefined {
  const work = start(waitUntil ? BACKGROUND_LIMIT : AWAITED_LIMIT).then(
    () => {},
    () => {},
  );
  try {
    waitUntil?.(work);
  } catch {
    // The context has ended, or the function lacks its `this`.
    return work;
  }
  return platform.keepsBackground || waitUntil ? undefined : work;
}
