import type { Calls, Opened } from "./calls";
import { takeNext } from "./completion-channel";
import { toError } from "./failures";

/** One reading of a file, which starts with the first pull. */
export class FileReading implements Omit<UnderlyingByteSource, "type"> {
  readonly type = "bytes";
  /** Whether the file was read to its end, failed or was canceled. */
  ended = false;
  #opened: Opened | undefined;

  constructor(
    private readonly calls: Calls,
    private readonly url: string,
  ) {}

  async pull(controller: ReadableByteStreamController): Promise<void> {
    const chunk = await this.#next();
    if (chunk !== null) {
      controller.enqueue(chunk as Uint8Array<ArrayBuffer>);
      return;
    }
    this.ended = true;
    controller.close();
    // A reader with its own buffer waits for this response, even at the end.
    controller.byobRequest?.respond(0);
  }

  async cancel(): Promise<void> {
    this.ended = true;
    await this.#opened?.stream.close();
  }

  async #next(): Promise<Uint8Array | null> {
    try {
      this.#opened ??= this.calls.open("output.read", { url: this.url });
      const { stream } = this.#opened;
      // Await nothing while there are chunks: a promise costs more than copying one.
      return (stream.take() ?? (await takeNext(stream))) as Uint8Array | null;
    } catch (thrown) {
      this.ended = true;
      throw (this.#opened?.toError ?? toError)(thrown);
    }
  }
}
