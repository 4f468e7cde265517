/** Streams of items, handed out from batches. */
import { type Bridge, checkSignal, keepAlive, type Opened, type Params, reasonOf } from "./bridge";
import { toError } from "./failures";
import type { FileOutput } from "./file-output";
import { ready } from "./inbox";
import type { NativeStream } from "./native";
import { onAbort } from "./signals";
import { conceal, reveal } from "./state";
import type { Prediction } from "./types";
import { observer, type UploadProgress } from "./uploads";
import { decode, type Path } from "./value";

/** What comes out of the core: a value with the places of its files, or an event. */
type Item =
  | ["value", value: unknown, files?: Path[]]
  | ["event", event: string, data: string, id: string | null, retry: number | null, file: string | null];

/** One event of a model's stream. */
export class ServerSentEvent {
  /** `output`, `logs`, `error`, `done`, or a name the API adds later. */
  event: string;
  /** The text; a URL where the model gives files. */
  data: string;
  /** The file that `data` is the URL of, where the model gives files. */
  declare file?: FileOutput;
  /** What the stream can be resumed from. */
  declare id?: string;
  /** How long to wait before a reconnect, in milliseconds. */
  declare retry?: number;

  constructor(event: string, data: string, id?: string | null, retry?: number | null, file?: FileOutput) {
    this.event = event;
    this.data = data;
    if (file) this.file = file;
    if (typeof id === "string") this.id = id;
    if (typeof retry === "number") this.retry = retry;
  }

  /** The text of an `output` event, and nothing for others: joining events gives the output. */
  toString(): string {
    return this.event === "output" ? this.data : "";
  }
}

/**
 * Items in batches from the core, one by one to the caller. Written by hand, because an async
 * generator costs three times as much per item.
 */
class Items<T> {
  #opened: Opened | undefined;
  #batch: Item[] = [];
  #at = 0;
  #ended = false;
  /** Callers that ask again before they have an answer are served in turn. */
  #turn: Promise<unknown> | undefined;
  #ignore = (): void => {};

  constructor(
    private readonly open: () => Opened,
    private readonly signal: AbortSignal | undefined,
    /** Turns an item into what the caller gets; undefined leaves it out. */
    private readonly convert: (item: Item) => T | undefined,
  ) {}

  next(): Promise<IteratorResult<T, undefined>> {
    if (this.#turn === undefined) {
      const value = this.#shift();
      if (value !== undefined) return Promise.resolve({ done: false, value });
    }
    return this.#inTurn(() => this.#wait());
  }

  #inTurn<R>(work: () => Promise<R>): Promise<R> {
    const turn = (this.#turn ?? Promise.resolve()).then(work);
    const settled = turn
      .catch(() => {})
      .then(() => {
        if (this.#turn === settled) this.#turn = undefined;
      });
    this.#turn = settled;
    return turn;
  }

  /** Reads until `begun`, without taking an item from the caller. */
  start(begun: () => boolean): Promise<void> {
    const read = async () => {
      if (this.signal?.aborted) throw reasonOf(this.signal);
      while (!begun() && !this.#ended) {
        const item = this.#batch[this.#at];
        if (item === undefined) await this.#fill(this.#start());
        else if (item[0] === "value") this.convert(this.#batch[this.#at++] as Item);
        else return;
      }
    };
    return this.#inTurn(() => this.#failing(read));
  }

  finish(): void {
    this.#batch = [];
    this.#at = 0;
    if (this.#opened && !this.#ended) {
      this.#ignore();
      keepAlive(this.#opened.stream.close());
    }
    this.#ended = true;
  }

  #shift(): T | undefined {
    while (this.#at < this.#batch.length) {
      const value = this.convert(this.#batch[this.#at++] as Item);
      if (value !== undefined) return value;
    }
    return undefined;
  }

  #wait(): Promise<IteratorResult<T, undefined>> {
    return this.#failing(async () => {
      for (;;) {
        if (this.signal?.aborted) throw reasonOf(this.signal);
        const value = this.#shift();
        if (value !== undefined) return { done: false, value };
        if (this.#ended) return { done: true, value: undefined };
        await this.#fill(this.#start());
      }
    });
  }

  /** Ends the stream when `work` fails. */
  async #failing<R>(work: () => Promise<R>): Promise<R> {
    try {
      return await work();
    } catch (thrown) {
      this.finish();
      if (this.signal?.aborted) throw reasonOf(this.signal);
      throw (this.#opened?.toError ?? toError)(thrown);
    }
  }

  #start(): NativeStream {
    if (this.#opened === undefined) {
      checkSignal(this.signal);
      this.#opened = this.open();
      this.#ignore = onAbort(this.signal, () => void this.finish());
    }
    return this.#opened.stream;
  }

  async #fill(stream: NativeStream): Promise<void> {
    const taken = stream.take();
    if (taken !== null) {
      this.#batch = JSON.parse(taken as string) as Item[];
      this.#at = 0;
    } else if (!(await ready(stream))) {
      this.#ended = true;
      this.#ignore();
    }
  }
}

/** Items that arrive over time, for `for await`. */
export class ItemStream<T> implements AsyncIterableIterator<T> {
  /** @internal */
  constructor(
    bridge: Bridge,
    operation: string,
    params: Params,
    signal?: AbortSignal | undefined,
    convert: (item: Item) => T | undefined = (item) =>
      item[0] === "value" ? (placed(bridge, item) as T) : undefined,
  ) {
    conceal(this, new Items(() => bridge.open(operation, params), signal, convert));
  }

  /** The next item. */
  next(): Promise<IteratorResult<T, undefined>> {
    return reveal<Items<T>>(this).next();
  }

  /** Ends the stream; `break` in a `for await` does the same. */
  async return(_value?: unknown): Promise<IteratorResult<T, undefined>> {
    reveal<Items<T>>(this).finish();
    return { done: true, value: undefined };
  }

  /** Ends the stream, and rejects with `error`. */
  async throw(error: unknown): Promise<IteratorResult<T, undefined>> {
    reveal<Items<T>>(this).finish();
    throw error;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Ends the stream when its block does: `await using events = ...`. */
  declare [Symbol.asyncDispose]: () => Promise<void>;
}

/** The events of a prediction, for `for await`. */
export class EventStream extends ItemStream<ServerSentEvent> {
  /** The prediction as it was created; set by `start()` and by the first event. */
  prediction: Prediction | undefined;

  /** @internal */
  constructor(
    bridge: Bridge,
    operation: string,
    params: Params,
    signal?: AbortSignal,
    onUpload?: (upload: UploadProgress) => void,
  ) {
    const tell = observer(onUpload, (prediction) => {
      this.prediction = prediction;
    });
    super(bridge, operation, onUpload ? { ...params, report_uploads: true } : params, signal, (item) => {
      if (item[0] === "value") {
        tell(placed(bridge, item));
        return undefined;
      }
      const [, event, data, id, retry, file] = item;
      return new ServerSentEvent(
        event,
        file ?? data,
        id,
        retry,
        file === null ? undefined : bridge.file(file),
      );
    });
  }

  /**
   * Creates the prediction at once and rejects if the API refuses it, without waiting for an event. Plain
   * iteration creates it when the first event is requested.
   *
   * @example
   * await using events = await replicate.stream(model, { input }).start();
   */
  async start(): Promise<this> {
    await reveal<Items<ServerSentEvent>>(this).start(() => this.prediction !== undefined);
    return this;
  }

  /**
   * The output's text alone, piece by piece: what `output` events carry, without the others.
   *
   * @example
   * for await (const text of replicate.stream(model, { input }).text()) process.stdout.write(text);
   */
  async *text(): AsyncGenerator<string, void, undefined> {
    for await (const event of this) if (event.event === "output") yield event.data;
  }
}

/** A value with its files in place. */
function placed(bridge: Bridge, [, value, files]: Extract<Item, ["value", ...unknown[]]>): unknown {
  if (files === undefined) return value;
  return decode(JSON.stringify(value), JSON.stringify(files), bridge.file);
}

// Node 18 before 18.18 has no such symbol; a computed member would then be called "undefined".
if (Symbol.asyncDispose) {
  Object.defineProperty(ItemStream.prototype, Symbol.asyncDispose, {
    configurable: true,
    writable: true,
    async value(this: ItemStream<unknown>): Promise<void> {
      await this.return();
    },
  });
}
