/** Supplies the rows of a batch to the core. */
import { FileNotFoundError } from "./errors";
import { unreadable } from "./failures";
import { invalid, kindOf } from "./invalid";
import type { MapOptions } from "./options";
import { platform } from "./platform";
import { openRows, type RowSource, type Rows } from "./row-source";
import type { ReadFailure } from "./source";

/** Identifies a row. */
export type RowKey = string | number | bigint;

/** A row that was read. */
export interface ReadRow<Row> {
  /** `undefined` without the option `key`; the core refuses `null` with it. */
  key: RowKey | null | undefined;
  row: Row;
  input: object;
  /** Has the error if a file of the input could not be read. */
  failed: ReadFailure;
}

/** Passes rows to the core. `end` says that there are no more. */
type Push<Row> = (rows: ReadRow<Row>[], end: boolean) => void;

/** The event loop has turned. */
const TURNED = Symbol("turned");

/** Reads rows on request, and keeps those that are being run. */
export class RowFeed<Row> {
  #source: RowSource<Row> | undefined;
  /** The row that is being read; undefined at the end of the rows. */
  #reading: Promise<ReadRow<Row> | undefined> | undefined;
  readonly #running = new Map<number, ReadRow<Row>>();
  /** Number of rows that were passed on. */
  #count = 0;
  /** Index of the next row to read. */
  #next = 0;
  #closing: Promise<void> | undefined;

  /** @param fail called with an error of the rows, or of a function of the user */
  constructor(
    private readonly rows: Rows<Row>,
    private readonly options: Pick<MapOptions<Row>, "input" | "key">,
    private readonly push: Push<Row>,
    private readonly fail: (error: unknown) => void,
  ) {}

  /** Passes up to `limit` rows on: those that come without waiting, at least one. */
  async supply(limit: number): Promise<void> {
    const rows: ReadRow<Row>[] = [];
    const turned = new Promise<typeof TURNED>((resolve) => platform.afterTurn(() => resolve(TURNED)));
    let end = false;
    while (rows.length < limit && !end) {
      this.#reading ??= this.#read();
      // Awaited without the other one first, because at least one row is needed.
      const read = await (rows.length === 0 ? this.#reading : Promise.race([this.#reading, turned]));
      // The row that is being read is the first one of the next request.
      if (read === TURNED) break;
      this.#reading = undefined;
      if (read) rows.push(read);
      else end = true;
    }
    for (const read of rows) this.#running.set(this.#count++, read);
    this.push(rows, end);
  }

  /** Returns the row with that index, whose result has arrived. */
  take(index: number): ReadRow<Row> | undefined {
    const read = this.#running.get(index);
    this.#running.delete(index);
    return read;
  }

  /** Returns the error that ends the batch: with its cause, if it is that of a row whose file could not be read. */
  raised(error: unknown): unknown {
    if (!(error instanceof FileNotFoundError)) return error;
    for (const [index, { key, failed }] of this.#running) {
      const prefix = `row ${key ?? index}: `;
      if ("error" in failed && error.message.startsWith(prefix))
        return unreadable(error, failed.error, prefix);
    }
    return error;
  }

  /** Ends the rows. Rejects if their end fails. */
  close(): Promise<void> {
    this.#closing ??= this.#source?.close() ?? Promise.resolve();
    this.#running.clear();
    return this.#closing;
  }

  async #read(): Promise<ReadRow<Row> | undefined> {
    try {
      this.#source ??= openRows(this.rows);
      const next = await this.#source.next();
      if (next.done || this.#closing) return undefined;
      const index = this.#next++;
      const row = next.value;
      const key = this.#key(row, index);
      const { input } = this.options;
      const made = input === undefined ? row : await readFrom(row, index, "input", input);
      return { key, row, input: made as object, failed: {} };
    } catch (error) {
      this.fail(error);
      return undefined;
    }
  }

  #key(row: Row, index: number): RowKey | null | undefined {
    const { key } = this.options;
    if (key === undefined) return undefined;
    return (readFrom(row, index, "key", key) as RowKey) ?? null;
  }
}

type Reader<Row> = string | ((row: Row, index: number) => unknown);

/** Returns the result of a function of the row, or its property with this name. */
function readFrom<Row>(row: Row, index: number, option: string, reader: Reader<Row>): unknown {
  if (typeof reader === "function") return reader(row, index);
  const properties = Object(row);
  if (!(reader in properties)) {
    const names = Object.keys(properties).join(", ");
    const has = names ? `it has ${names}` : `it is ${kindOf(row)}`;
    invalid(`\`${option}\` names the property "${reader}", which row ${index} does not have; ${has}`, option);
  }
  return properties[reader];
}
