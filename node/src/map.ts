/** The results of `map`. */
import { Batch, type MapItem } from "./batch";
import type { Calls } from "./calls";
import { ItemStream } from "./item-stream";
import type { MapStats } from "./map-stats";
import type { MapOptions } from "./options";
import type { Rows } from "./row-source";
import { reveal } from "./state";
import type { ModelDefined } from "./types";

/**
 * The results of a batch, in the order in which they arrive. Iterate over it with `for await`, or make a stream of it with
 * `Readable.from`.
 *
 * @example
 * const results = replicate.map("acme/captioner", rows, { input: (row) => ({ image: row.url }) });
 * for await (const { key, output, error } of results) console.log(key, error ?? output);
 * console.log(results.stats.failed, "failed");
 */
export class MapResults<Row = ModelDefined, Output = ModelDefined> extends ItemStream<MapItem<Row, Output>> {
  /** @internal */
  constructor(calls: Calls, ref: string, rows: Rows<Row>, options: MapOptions<Row>) {
    super(new Batch(calls, ref, rows, options));
  }

  /** The progress. Rows whose predictions are canceled at the end count as running. */
  get stats(): MapStats {
    return reveal<Batch<Row>>(this).stats;
  }

  /**
   * Creates no more predictions. The loop goes on with the results of the running ones, and ends. Rows that were read and not
   * sent are not counted.
   */
  stop(): void {
    reveal<Batch<Row>>(this).stop();
  }
}
