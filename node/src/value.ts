/**
 * Converts JavaScript values for the core and back. JSON crosses as one string. Parts that JSON cannot hold (bytes,
 * files, big integers) cross beside it, each with its path.
 */
import { invalid, kindOf } from "./invalid";
import { blobSource, isBlob, isReadable, type ReadFailure, type Source, streamSource } from "./source";

/** Property names and array indexes that lead to a value inside another, from the outside in. */
export type Path = (string | number)[];

/** A value that crosses beside the JSON. */
export interface Part {
  /** Its {@link Path}, as JSON; a line for each place where it occurs. */
  path: string;
  bytes?: Uint8Array;
  /** Text that is too long to write as JSON and parse again. */
  text?: string;
  /** A big integer, in decimal digits. */
  digits?: string;
  source?: Source;
}

/** A value in the form that crosses. */
export interface Encoded {
  json: string;
  parts?: Part[];
}

/** Marks objects that cross as their text, such as files of an output, which cross as their URL. */
export const AS_TEXT = Symbol("as text");

/**
 * Encodes `value` for the core.
 *
 * @param named returns a path as the user knows it
 * @param failed receives the error if a file cannot be read
 * @throws {InvalidArgumentError} if a value inside it cannot be sent; the message has its path
 */
export function encode(value: object, named = (path: Path): Path => path, failed: ReadFailure = {}): Encoded {
  const encoder = new Encoder(named, failed);
  const json = JSON.stringify(encoder.plain(value));
  return encoder.parts.length > 0 ? { json, parts: encoder.parts } : { json };
}

/**
 * Decodes a value of the core.
 *
 * @param files paths, as JSON, of the values that are URLs of files
 * @param file makes the object for a file's URL
 */
export function decode(json: string | null, files: string | null, file: (url: string) => unknown): unknown {
  const value = json === null ? undefined : JSON.parse(json);
  if (files === null) return value;
  return (JSON.parse(files) as Path[]).reduce((whole, path) => withFile(whole, path, file), value);
}

/** Replaces the URL at `path` by its file. */
export function withFile(whole: unknown, path: Path, file: (url: string) => unknown): unknown {
  const last = path.at(-1);
  if (last === undefined) return file(whole as string);
  let holder = whole as Record<string | number, unknown>;
  for (const key of path.slice(0, -1)) holder = holder[key] as typeof holder;
  holder[last] = file(holder[last] as string);
  return whole;
}

/** Formats a path: `input.image[0]`. */
export function formatPath(path: Path): string {
  const text = path.map((key) => (typeof key === "number" ? `[${key}]` : `.${key}`)).join("");
  return text.replace(/^\./, "");
}

const ADVICE: Record<string, string> = {
  Promise: "await it first",
  AbortSignal: "pass it as `signal` in the options of the call",
  Map: "convert it with `Object.fromEntries(map)`",
  Set: "convert it with `[...set]`",
  Request: "pass its `.body`",
  Response: "pass its `.body`",
  any: "convert it to a plain object, an array or a string",
};

/** How deep values may be nested. Twice as many levels overflow the stack. */
const MOST_LEVELS = 1000;
/** How deep values that cross beside the JSON may be nested. The core keeps deeper JSON as text. */
const MOST_LEVELS_BESIDE = 128;

class Encoder {
  readonly parts: Part[] = [];
  readonly #path: Path = [];
  readonly #ancestors = new Set<object>();
  /** The parts of objects, so that one that occurs twice is sent once. */
  readonly #partOf = new Map<object, Part>();

  constructor(
    private readonly named: (path: Path) => Path,
    private readonly failed: ReadFailure,
  ) {}

  /** Returns `value` itself if JSON can hold it, otherwise a copy in which the other values are replaced. */
  plain(value: unknown): unknown {
    switch (typeof value) {
      case "string":
      case "boolean":
      case "undefined":
        return value;
      case "number":
        // JSON.stringify would write null, and the model would run on a value that nobody passed.
        if (!Number.isFinite(value)) this.#reject(`${value} cannot be sent as JSON; pass null or omit it`);
        return value;
      case "bigint":
        this.#aside({ digits: value.toString() });
        return null;
      case "object":
        return value === null ? null : this.#object(value);
      default:
        return this.#reject(`${kindOf(value)} cannot be sent; omit it`);
    }
  }

  #object(value: object): unknown {
    if (Array.isArray(value)) return this.#inside(value, () => this.#array(value));
    if (ArrayBuffer.isView(value)) {
      const { buffer, byteOffset, byteLength } = value;
      return this.#objectAside(value, () => ({ bytes: new Uint8Array(buffer, byteOffset, byteLength) }));
    }
    if (AS_TEXT in value || value instanceof URL) return String(value);
    if (isBlob(value)) return this.#objectAside(value, () => ({ source: blobSource(value, this.failed) }));
    const tag = Object.prototype.toString.call(value).slice(8, -1);
    if (tag === "ArrayBuffer" || tag === "SharedArrayBuffer") {
      return this.#objectAside(value, () => ({ bytes: new Uint8Array(value as ArrayBuffer) }));
    }
    if (isReadable(value)) {
      const source = () => streamSource(value, this.#place(), this.failed);
      return this.#objectAside(value, () => ({ source: source() }));
    }
    const { toJSON } = value as { toJSON?: unknown };
    if (typeof toJSON === "function") {
      const json: unknown = toJSON.call(value, String(this.#path.at(-1) ?? ""));
      if (json !== value) return this.#inside(value, () => this.plain(json));
    }
    if (tag === "String" || tag === "Number" || tag === "Boolean" || tag === "BigInt") {
      return this.plain(value.valueOf());
    }
    if (tag !== "Object") {
      const article = /^[AEIOU]/.test(tag) ? "an" : "a";
      this.#reject(`${article} ${tag} cannot be sent; ${ADVICE[tag] ?? ADVICE.any}`);
    }
    return this.#inside(value, () => this.#properties(value as Record<string, unknown>));
  }

  #array(value: unknown[]): unknown[] {
    let copy: unknown[] | undefined;
    for (let index = 0; index < value.length; index++) {
      this.#path.push(index);
      const item = this.plain(value[index]);
      this.#path.pop();
      if (item === value[index]) continue;
      copy ??= value.slice();
      copy[index] = item;
    }
    return copy ?? value;
  }

  #properties(value: Record<string, unknown>): Record<string, unknown> {
    let copy: Record<string, unknown> | undefined;
    for (const key of Object.keys(value)) {
      this.#path.push(key);
      // Read once: a getter may return another value the second time.
      const before = value[key];
      const property = this.plain(before);
      this.#path.pop();
      if (property === before) continue;
      copy ??= { ...value };
      // Assigning to `copy.__proto__` would set the prototype instead of a property.
      Object.defineProperty(copy, key, {
        value: property,
        enumerable: true,
        configurable: true,
        writable: true,
      });
    }
    return copy ?? value;
  }

  #inside<T>(ancestor: object, encode: () => T): T {
    if (this.#ancestors.has(ancestor))
      this.#reject("circular reference: it contains itself; pass a copy without the reference");
    if (this.#ancestors.size > MOST_LEVELS) this.#tooDeep("", MOST_LEVELS);
    this.#ancestors.add(ancestor);
    const result = encode();
    this.#ancestors.delete(ancestor);
    return result;
  }

  #aside(content: Omit<Part, "path">): Part {
    if (this.#path.length > MOST_LEVELS_BESIDE) this.#tooDeep("a file or a BigInt in ", MOST_LEVELS_BESIDE);
    const part = { path: JSON.stringify(this.#path), ...content };
    this.parts.push(part);
    return part;
  }

  #objectAside(value: object, content: () => Omit<Part, "path">): null {
    const known = this.#partOf.get(value);
    if (known) known.path += `\n${JSON.stringify(this.#path)}`;
    else this.#partOf.set(value, this.#aside(content()));
    return null;
  }

  #tooDeep(what: string, levels: number): never {
    // The whole path would be thousands of names.
    const argument = formatPath(this.named(this.#path).slice(0, 1));
    invalid(`${what}\`${argument}\` must be nested at most ${levels} levels deep`, argument);
  }

  #place(): string {
    return formatPath(this.named(this.#path));
  }

  #reject(reason: string): never {
    const path = this.#place();
    invalid(`\`${path || "the value"}\`: ${reason}`, path || undefined);
  }
}
