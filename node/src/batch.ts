/** A batch of `map`: reads the messages of the core and responds to its requests for rows. */

import { isOptions, merge, runParams } from "./call-options";
import type { Calls, Opened } from "./calls";
import { compute, type Params, REJECTION } from "./compute";
import { type Failure, InvalidArgumentError, type ReplicateError } from "./errors";
import { errorOf } from "./failures";
import { invalid, kindOf } from "./invalid";
import { type Item, Items, itemValue, type Reading } from "./item-stream";
import { type CoreStats, type MapStats, mapStats, NO_STATS } from "./map-stats";
import type { MapOptions } from "./options";
import { platform } from "./platform";
import { ProgressLine } from "./progress-line";
import { type ReadRow, RowFeed, type RowKey } from "./row-feed";
import { checkRows, countOf, type Rows } from "./row-source";
import { checkSignal, onAbort, reasonOf } from "./signals";
import type { ReadFailure } from "./source";
import type { ModelDefined, Prediction, Status } from "./types";

/** The result of one row of a batch. */
export interface MapItem<Row = ModelDefined, Output = ModelDefined> {
  /** The key of the row: its own, or its index. */
  readonly key: RowKey;
  /** The position of the row, from 0. */
  readonly index: number;
  /** The row, as it was read. */
  readonly row: Row;
  /** The input that was made from it. */
  readonly input: ModelDefined;
  /**
   * The status of the prediction. `unknown` if a create was sent and it is not known whether the prediction exists,
   * `rejected` if no prediction was created.
   */
  readonly status: Status | "unknown" | "rejected";
  /**
   * The output, with files as `FileOutput`s; with `saveTo`, as the paths of the saved files. `null` if `error` says why
   * there is none.
   */
  readonly output: Output | null;
  /** The prediction as last seen, without its input, output, logs and URLs; `null` if none is known. */
  readonly prediction: Omit<Prediction, "input" | "output" | "logs" | "urls" | "webhook"> | null;
  /** Why there is no output: what `run` would have thrown. */
  readonly error: ReplicateError | null;
  /** The number of predictions that were created for the row. */
  readonly attempts: number;
  /** The predict time that the API metered for the row, in seconds. */
  readonly seconds: number | null;
  /** Whether the result comes from the checkpoint. */
  readonly resumed: boolean;
}

/** A message of the core: an object with one of these members. */
interface Message {
  map?: number;
  pull?: number;
  item?: CoreItem;
  progress?: CoreStats;
  stats?: CoreStats;
}

interface CoreItem extends Omit<MapItem, "row" | "input" | "error"> {
  error: Failure | null;
}

/** The items of a batch. */
export class Batch<Row> implements Reading<MapItem<Row>> {
  readonly #items: Items<MapItem<Row>>;
  readonly #feed: RowFeed<Row>;
  /** Ends the batch at once. */
  readonly #abort = new AbortController();
  readonly #options: MapOptions<Row>;
  /** The core's number for the batch; undefined until it has begun. */
  #number: number | undefined;
  #stats: MapStats = NO_STATS;
  #stopping = false;
  #ended = false;
  /** An error to throw after the last item. */
  #failure: { error: unknown } | undefined;
  #report: (stats: MapStats) => void = () => {};

  constructor(calls: Calls, ref: string, rows: Rows<Row>, options: MapOptions<Row>) {
    this.#options = options;
    this.#feed = new RowFeed(
      rows,
      options ?? {},
      (read, end) => this.#push(read, end),
      (error) => this.#fail(error),
    );
    const convert = (item: Item) =>
      item[0] === "value" ? this.#convert(itemValue(calls, item) as Message) : undefined;
    this.#items = new Items(() => this.#open(calls, ref, rows), this.#abort.signal, convert);
  }

  get stats(): MapStats {
    this.#update();
    return this.#stats;
  }

  async next(): Promise<IteratorResult<MapItem<Row>, undefined>> {
    const result = await this.#items.next();
    if (result.done) {
      await this.#feed.close();
      this.#rethrow();
    }
    return result;
  }

  /** Ends the batch: cancels what runs or, with `drain`, finishes it. */
  async finish(): Promise<void> {
    if (this.#options?.drain && this.#number !== undefined && !this.#ended) {
      this.stop();
      while (!(await this.#items.next()).done);
    }
    await this.#items.finish();
    await this.#feed.close();
  }

  /** Creates no more predictions. */
  stop(): void {
    this.#stopping = true;
    this.#tell("map.stop", {});
  }

  #open(calls: Calls, ref: string, rows: Rows<Row>): Opened {
    const params = this.#params(ref, rows);
    const { signal } = this.#options;
    if (signal?.aborted) throw reasonOf(signal);
    const opened = calls.open("map", params, true);
    const { progress } = this.#options;
    let line: ProgressLine | undefined;
    if (typeof progress === "function") this.#report = progress;
    else if (progress) {
      const write = platform.terminal();
      line = write && new ProgressLine(write);
      this.#report = (stats) => line?.show(stats);
    }
    const ignore = onAbort(signal, () => this.#abort.abort(signal && reasonOf(signal)));
    return {
      ...opened,
      toError: (thrown) => this.#feed.raised(opened.toError(thrown)),
      // Awaited, so that the checkpoint is complete and can be opened again.
      close: async () => {
        this.#update();
        await Promise.allSettled([opened.stream.close(), this.#feed.close()]);
      },
      release: () => {
        this.#ended = true;
        ignore();
        line?.end();
        opened.release();
      },
    };
  }

  /** Returns the parameters of the operation. */
  #params(ref: string, rows: Rows<Row>): Params {
    const { input, key, progress, drain, signal, ...others } = this.#options ?? {};
    const given = runParams(isOptions(this.#options) ? others : this.#options);
    const params = merge({ ref, total: countOf(rows), reports: true, keyed: key !== undefined }, given);
    if (given[REJECTION]) throw given[REJECTION];
    for (const [name, reader] of Object.entries({ input, key })) {
      const isReader = typeof reader === "string" || typeof reader === "function";
      check(name, reader, isReader, `the name of a property or a function that returns the ${name} of a row`);
    }
    const isReport = typeof progress === "boolean" || typeof progress === "function";
    check("progress", progress, isReport, "true, false or a function");
    check("drain", drain, typeof drain === "boolean", "true or false");
    checkSignal(signal);
    checkRows(rows);
    // Failed rows are skipped here: the core does not report skipped rows, so `RowFeed` would keep them until the end.
    return params.errors === "skip" ? { ...params, errors: "return" } : params;
  }

  #convert(message: Message): MapItem<Row> | undefined {
    if (message.item) return this.#item(message.item);
    if (message.pull !== undefined) {
      void this.#feed.supply(message.pull);
    } else if (message.map !== undefined) {
      this.#number = message.map;
      if (this.#stopping) this.stop();
    } else {
      this.#stats = mapStats((message.progress ?? message.stats) as CoreStats);
      try {
        this.#report(this.#stats);
      } catch (error) {
        this.#fail(error);
      }
    }
    return undefined;
  }

  #item({ error, ...item }: CoreItem): MapItem<Row> | undefined {
    const read = this.#feed.take(item.index);
    if (error && this.#options.errors === "skip") return undefined;
    // The row has its key exactly, which may be a big integer.
    const { row, input } = read ?? ({} as ReadRow<Row>);
    const key = read?.key ?? item.key;
    const { index, status, output, prediction, attempts, seconds, resumed } = item;
    const thrown = error && errorOf(error, read?.failed);
    return { key, index, row, input, status, output, prediction, error: thrown, attempts, seconds, resumed };
  }

  #push(read: ReadRow<Row>[], end: boolean): void {
    try {
      for (const row of read) this.#add(row);
      this.#tell("map.push", { end });
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Passes a row on. A value that cannot be sent fails its row only. */
  #add({ key, input, failed }: ReadRow<Row>): void {
    try {
      this.#tell("map.row", { key, input: input ?? null }, failed);
    } catch (error) {
      if (!(error instanceof InvalidArgumentError)) throw error;
      const { argument, message: refusal } = error;
      this.#tell("map.row", { key: argument?.startsWith("key") ? null : key, refusal });
    }
  }

  #update(): void {
    const stats = this.#tell<CoreStats | null>("map.stats", {});
    if (stats) this.#stats = mapStats(stats);
  }

  /** Calls a function of the core. Returns undefined if the batch has not begun or has ended. */
  #tell<T>(operation: string, params: Params, failed?: ReadFailure): T | undefined {
    if (this.#ended || this.#number === undefined) return undefined;
    try {
      return compute<T>(operation, { map: this.#number, ...params }, [], failed);
    } catch (error) {
      if (!(error instanceof InvalidArgumentError && error.argument === "map")) throw error;
      return undefined;
    }
  }

  /** Ends the batch with an error of the user's code. */
  #fail(error: unknown): void {
    if (this.#failure || this.#ended) return;
    this.#failure = { error };
    if (this.#options.drain) this.stop();
    else this.#abort.abort(error);
  }

  #rethrow(): void {
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure) throw failure.error;
  }
}

function check(name: string, given: unknown, holds: boolean, expected: string): void {
  if (given !== undefined && !holds) invalid(`\`${name}\` must be ${expected}, not ${kindOf(given)}`, name);
}
