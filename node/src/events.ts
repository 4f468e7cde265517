/** The events of a stream. */
import type { Calls } from "./calls";
import type { Params } from "./compute";
import type { FileOutput } from "./file-output";
import { type Item, ItemStream, Items, itemValue } from "./item-stream";
import { progressObserver } from "./observer";
import type { UploadProgress } from "./options";
import type { Signal } from "./signals";
import { reveal } from "./state";
import type { Prediction } from "./types";

/** An event of a stream. */
export class ServerSentEvent {
  /** Type: `output`, `logs`, `error`, `done`, or one that the API adds later. */
  event: string;
  /** Text, or the URL of a file. */
  data: string;
  /** The file whose URL is `data`, if the model writes files. */
  declare file?: FileOutput;
  /** Id of the event, from which the stream can resume. */
  declare id?: string;
  /** Time to wait before reconnecting, in milliseconds. */
  declare retry?: number;

  constructor(event: string, data: string, id?: string | null, retry?: number | null, file?: FileOutput) {
    this.event = event;
    this.data = data;
    if (file) this.file = file;
    if (typeof id === "string") this.id = id;
    if (typeof retry === "number") this.retry = retry;
  }

  /** Returns the text of an `output` event and an empty string for others, so that joined events are the output. */
  toString(): string {
    return this.event === "output" ? this.data : "";
  }
}

/** The events of a prediction. Iterate over it with `for await`. */
export class EventStream extends ItemStream<ServerSentEvent> {
  /** The created prediction, set by `start()` or the first event. */
  prediction: Prediction | undefined;

  /**
   * @param runs whether the stream runs the prediction
   * @internal
   */
  constructor(
    calls: Calls,
    operation: string,
    params: Params,
    runs: boolean,
    signal?: Signal,
    onUpload?: (upload: UploadProgress) => void,
  ) {
    const notify = progressObserver(onUpload, (prediction) => {
      this.prediction = prediction;
    });
    const convert = (item: Item) => {
      if (item[0] === 0) return new ServerSentEvent("output", item[1], item[2]);
      if (item[0] === "value") {
        notify(itemValue(calls, item));
        return undefined;
      }
      const [, event, data, id, retry, file] = item;
      return new ServerSentEvent(
        event,
        file ?? data,
        id,
        retry,
        file === null ? undefined : (calls.file(file) as FileOutput),
      );
    };
    const all = onUpload ? { ...params, report_uploads: true } : params;
    super(new Items(() => calls.open(operation, all, runs), signal, convert));
  }

  /**
   * Creates the prediction without waiting for an event, and returns the stream. Otherwise the prediction is created
   * when the first event is requested.
   *
   * @throws {ApiError} if the API rejects the create
   *
   * @example
   * await using events = await replicate.stream(model, { input }).start();
   */
  async start(): Promise<this & { prediction: Prediction }> {
    await reveal<Items<ServerSentEvent>>(this).start(() => this.prediction !== undefined);
    return this as this & { prediction: Prediction };
  }

  /**
   * Yields the text of `output` events and skips the others.
   *
   * @example
   * for await (const text of replicate.stream(model, { input }).text()) process.stdout.write(text);
   */
  text(): ItemStream<string> {
    const nextText = async (): Promise<IteratorResult<string, undefined>> => {
      for (;;) {
        const { done, value } = await this.next();
        if (done) return { done, value };
        if (value.event === "output") return { done: false, value: value.data };
      }
    };
    // Settles after the calls of `next` so far: concurrent ones run one after another.
    let turn: Promise<unknown> = Promise.resolve();
    const next = () => {
      const text = turn.then(nextText);
      turn = text.catch(() => {});
      return text;
    };
    // Not an async generator, which could end only once a pending `next` has settled.
    return new ItemStream({ next, finish: async () => void (await this.return()) });
  }
}
