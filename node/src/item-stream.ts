/** Streams of items, which the core delivers in batches. */
import type { Calls, Opened } from "./calls";
import { ready } from "./completion-channel";
import type { Params } from "./compute";
import { toError } from "./failures";
import type { NativeStream } from "./native";
import { checkSignal, onAbort, reasonOf, type Signal } from "./signals";
import { conceal, reveal } from "./state";
import { type Path, withFile } from "./value";

/** An item of the core: a value with the paths of its files, an event, or the text of an `output` event. */
export type Item =
  | [kind: 0, data: string, id: string | null]
  | [kind: "value", value: unknown, files?: Path[]]
  | [
      kind: "event",
      event: string,
      data: string,
      id: string | null,
      retry: number | null,
      file: string | null,
    ];

/** Returns the items of batches one by one. Not an async generator, which costs three times as much per item. */
export class Items<T> {
  #opened: Opened | undefined;
  #batch: Item[] = [];
  #at = 0;
  #ended = false;
  /** Settles after the calls of `next` so far: concurrent calls run one after another. */
  #turn: Promise<unknown> | undefined;
  #ignore = (): void => {};
  #closing: Promise<void> | undefined;

  constructor(
    private readonly open: () => Opened,
    private readonly signal: Signal,
    /** Converts an item for the caller; undefined skips it. */
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

  /** Reads until `started`, without consuming an item of the caller. */
  start(started: () => boolean): Promise<void> {
    const read = async () => {
      if (this.signal?.aborted) throw reasonOf(this.signal);
      while (!started() && !this.#ended) {
        const item = this.#batch[this.#at];
        if (item === undefined) await this.#fill(this.#start());
        else if (item[0] === "value") this.convert(this.#batch[this.#at++] as Item);
        else return;
      }
    };
    return this.#inTurn(() => this.#failing(read));
  }

  /** Ends the stream. Returns a promise if the caller must wait for the requests that follow. */
  finish(): Promise<void> | undefined {
    this.#batch = [];
    this.#at = 0;
    if (this.#opened && !this.#ended) this.#closing = this.#opened.close();
    this.#end();
    return this.#closing;
  }

  #end(): void {
    this.#ended = true;
    this.#ignore();
    this.#opened?.release();
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

  /** Ends the stream if `work` fails. */
  async #failing<R>(work: () => Promise<R>): Promise<R> {
    try {
      return await work();
    } catch (thrown) {
      // First, because a batch forgets its rows when it is closed.
      const error = (this.#opened?.toError ?? toError)(thrown);
      const closing = this.finish();
      if (closing) await closing;
      throw this.signal?.aborted ? reasonOf(this.signal) : error;
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
      this.#end();
    }
  }
}

/** What a stream reads its items from. */
export type Reading<T> = Pick<Items<T>, "next" | "finish">;

/** Items that arrive over time. Iterate over it with `for await`. */
export class ItemStream<T> implements AsyncIterableIterator<T> {
  /** @internal */
  constructor(items: Reading<T>) {
    conceal(this, items);
  }

  /** Returns the next item. */
  next(): Promise<IteratorResult<T, undefined>> {
    return reveal<Reading<T>>(this).next();
  }

  /** Ends the stream, like `break` in a `for await` loop. */
  async return(_value?: unknown): Promise<IteratorResult<T, undefined>> {
    await reveal<Reading<T>>(this).finish();
    return { done: true, value: undefined };
  }

  /** Ends the stream and rejects with `error`. */
  async throw(error: unknown): Promise<IteratorResult<T, undefined>> {
    await reveal<Reading<T>>(this).finish();
    throw error;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Ends the stream at the end of the block: `await using events = ...`. */
  declare [Symbol.asyncDispose]: () => Promise<void>;
}

/** Returns the values that an operation yields. */
export function values<T>(calls: Calls, operation: string, params: Params, signal: Signal): Items<T> {
  const convert = (item: Item) => (item[0] === "value" ? (itemValue(calls, item) as T) : undefined);
  return new Items(() => calls.open(operation, params), signal, convert);
}

/** Returns the value of an item, with its files. */
export function itemValue(calls: Calls, [, value, files]: Extract<Item, ["value", ...unknown[]]>): unknown {
  return (files ?? []).reduce((whole, path) => withFile(whole, path, calls.file), value);
}

// Node before 18.18 lacks the symbol, and a computed property would be called "undefined".
if (Symbol.asyncDispose) {
  Object.defineProperty(ItemStream.prototype, Symbol.asyncDispose, {
    configurable: true,
    writable: true,
    async value(this: ItemStream<unknown>): Promise<void> {
      await this.return();
    },
  });
}
