import type { Bridge } from "./bridge";
import { toError } from "./failures";
import type { NativeStream } from "./native";

/** The most that crosses at once; measured to be where throughput stops growing. */
const PIECE = 1 << 20;

/**
 * A file that a model wrote. Nothing is downloaded before it is read, and it can be read as often
 * as wanted: each of `blob()`, `bytes()`, `text()`, `save()` ... reads it anew. As a stream it can
 * be consumed once, like every stream; `stream()` gives a fresh one.
 *
 * @example
 * const [image] = await replicate.run("black-forest-labs/flux-schnell", { input: { prompt } });
 * await image.save("image.png");
 */
export class FileOutput extends ReadableStream<Uint8Array> {
  readonly #bridge: Bridge;
  readonly #url: string;

  /** @internal */
  constructor(bridge: Bridge, url: string) {
    let reader: NativeStream | undefined;
    super(
      {
        type: "bytes",
        async pull(controller) {
          reader ??= bridge.open("output.read", { url });
          const piece = await next(reader);
          if (piece !== null) {
            controller.enqueue(piece as Uint8Array<ArrayBuffer>);
            return;
          }
          controller.close();
          // A reader that brought its own buffer waits for it to be answered, even at the end.
          (controller as ReadableByteStreamController).byobRequest?.respond(0);
        },
        async cancel() {
          await reader?.close();
        },
      },
      { highWaterMark: 0 },
    );
    this.#bridge = bridge;
    this.#url = url;
  }

  /** Where the file is. The API keeps output files for one hour. */
  url(): URL {
    return new URL(this.#url);
  }

  /** The URL as text, so that a FileOutput can be used where a URL is expected. */
  override toString(): string {
    return this.#url;
  }

  /** The URL as text. */
  toJSON(): string {
    return this.#url;
  }

  /** The whole file, with its content type. */
  async blob(): Promise<Blob> {
    const { data, response } = await this.#read().withResponse();
    return new Blob([data as Uint8Array<ArrayBuffer>], { type: response.headers.get("content-type") ?? "" });
  }

  /** The whole file. */
  async bytes(): Promise<Uint8Array> {
    return this.#read();
  }

  /** The whole file. */
  async arrayBuffer(): Promise<ArrayBuffer> {
    const { buffer, byteOffset, byteLength } = await this.#read();
    return buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer;
  }

  /** The whole file as UTF-8 text. */
  async text(): Promise<string> {
    return new TextDecoder().decode(await this.#read());
  }

  /** The file as a stream of its own. */
  stream(): ReadableStream<Uint8Array> {
    return new FileOutput(this.#bridge, this.#url);
  }

  /**
   * Writes the file to `path`: whole or not at all, and with flat memory however large it is.
   * @returns the path written
   */
  async save(path: string, options: { signal?: AbortSignal } = {}): Promise<string> {
    return this.#bridge.call<string>("output.save", { url: this.#url, path }, options);
  }

  /** Type and size as the server tells them, without the content. */
  async head(): Promise<{ content_type?: string; size?: number }> {
    return this.#bridge.call("output.head", { url: this.#url });
  }

  #read() {
    return this.#bridge.call<Uint8Array>("output.bytes", { url: this.#url });
  }

  /** @internal */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return `FileOutput { url: '${this.#url}' }`;
  }
}

async function next(reader: NativeStream): Promise<Uint8Array | null> {
  try {
    // Nothing is awaited for as long as pieces are there: a promise costs more than the copy.
    const piece = reader.take(PIECE);
    if (piece !== null) return piece as Buffer;
    return (await reader.ready()) ? (reader.take(PIECE) as Buffer) : null;
  } catch (thrown) {
    throw toError(thrown);
  }
}
