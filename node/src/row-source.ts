/** Where the rows of a batch come from. */
import { invalid, kindOf } from "./invalid";

/** Rows of a batch: an array, a generator, an async iterable, a `Readable` in object mode or a web stream. */
export type Rows<Row> = Iterable<Row> | AsyncIterable<Row> | ReadableStream<Row>;

/** Reads rows one by one. */
export interface RowSource<Row> {
  next(): Promise<IteratorResult<Row, unknown>>;
  /** Ends the source, unless it has ended. Does not wait for a row that is being read. */
  close(): Promise<void>;
}

/**
 * Throws an error for what cannot be iterated over, and for text, whose characters are not rows.
 *
 * @throws {InvalidArgumentError}
 */
export function checkRows(rows: unknown): void {
  const isObject = typeof rows === "object" && rows !== null;
  const is = (member: PropertyKey) => isObject && typeof (rows as never)[member] === "function";
  if (!is(Symbol.asyncIterator) && !is(Symbol.iterator) && !is("getReader")) {
    invalid(
      `\`rows\` must be an array, an iterable, an async iterable or a stream, not ${kindOf(rows)}`,
      "rows",
    );
  }
}

/** Returns the number of rows, if it is known before they are read. */
export function countOf(rows: Rows<unknown>): number | undefined {
  if (Array.isArray(rows)) return rows.length;
  return rows instanceof Set || rows instanceof Map ? rows.size : undefined;
}

/** Begins to read rows. */
export function openRows<Row>(rows: Rows<Row>): RowSource<Row> {
  return "getReader" in rows ? new ReaderSource(rows.getReader()) : new IteratorSource(rows);
}

class IteratorSource<Row> implements RowSource<Row> {
  readonly #iterator: AsyncIterator<Row> | Iterator<Row>;
  #reading = false;
  #ended = false;

  constructor(private readonly rows: Iterable<Row> | AsyncIterable<Row>) {
    const { [Symbol.asyncIterator]: asynchronous } = rows as Partial<AsyncIterable<Row>>;
    this.#iterator = asynchronous?.call(rows) ?? (rows as Iterable<Row>)[Symbol.iterator]();
  }

  async next(): Promise<IteratorResult<Row, unknown>> {
    this.#reading = true;
    let next: IteratorResult<Row, unknown>;
    try {
      next = await this.#iterator.next();
      this.#ended = next.done === true;
    } catch (error) {
      this.#ended = true;
      throw error;
    } finally {
      this.#reading = false;
    }
    // Promises in an array are awaited, as `for await` does.
    return next.done ? next : { done: false, value: await next.value };
  }

  async close(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    if (!this.#reading) {
      await this.#iterator.return?.();
      return;
    }
    // A generator returns after the row that it waits for, which may never come. A stream of Node can be ended at once.
    const { destroy } = this.rows as { destroy?: () => void };
    if (typeof destroy === "function") destroy.call(this.rows);
    else Promise.resolve(this.#iterator.return?.()).catch(() => {});
  }
}

class ReaderSource<Row> implements RowSource<Row> {
  #ended = false;

  constructor(private readonly reader: ReadableStreamDefaultReader<Row>) {}

  async next(): Promise<IteratorResult<Row, unknown>> {
    try {
      const next = await this.reader.read();
      this.#ended ||= next.done;
      return next;
    } catch (error) {
      this.#ended = true;
      throw error;
    }
  }

  async close(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    await this.reader.cancel();
  }
}
