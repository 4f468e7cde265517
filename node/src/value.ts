/**
 * JavaScript values on their way to the core and back: the one place where they change form.
 * Plain JSON crosses as one string. What JSON cannot hold (bytes, files, big integers) stands
 * beside it, each with the place it belongs to.
 */
import { FileOutput } from "./file-output";
import { invalid, kindOf } from "./invalid";
import { blobSource, isBlob, isReadable, type Source, streamSource } from "./source";

/** A place inside a value: member names and array indexes from the outside in. */
export type Path = (string | number)[];

/** Something that stands beside the JSON. */
export interface Part {
  /** Its {@link Path}, as JSON. */
  path: string;
  bytes?: Uint8Array;
  /** Text so long that it is not written as JSON and read again. */
  text?: string;
  /** A big integer, in decimal digits. */
  digits?: string;
  source?: Source;
}

/** A value ready to cross. */
export interface Encoded {
  json: string;
  parts?: Part[];
}

/**
 * Makes `value` ready to cross.
 *
 * @throws {InvalidArgumentError} for what cannot be sent, with its place
 */
export function encode(value: object): Encoded {
  const walk = new Walk();
  const json = JSON.stringify(walk.plain(value));
  return walk.parts.length > 0 ? { json, parts: walk.parts } : { json };
}

/** Turns what has crossed into a value; `files` lists the places (as JSON) that hold a file's URL. */
export function decode(
  json: string | null,
  files: string | null,
  file: (url: string) => FileOutput,
): unknown {
  const value = json === null ? undefined : JSON.parse(json);
  if (files === null) return value;
  return (JSON.parse(files) as Path[]).reduce((whole, path) => place(whole, path, file), value);
}

function place(whole: unknown, path: Path, file: (url: string) => FileOutput): unknown {
  const last = path.at(-1);
  if (last === undefined) return file(whole as string);
  let holder = whole as Record<string | number, unknown>;
  for (const key of path.slice(0, -1)) holder = holder[key] as typeof holder;
  holder[last] = file(holder[last] as string);
  return whole;
}

/** `input.image[0]`. */
export function describePath(path: Path): string {
  const text = path.map((key) => (typeof key === "number" ? `[${key}]` : `.${key}`)).join("");
  return text.replace(/^\./, "") || "the value";
}

const ADVICE: Record<string, string> = {
  Promise: "await it first",
  AbortSignal: "pass it as `signal`",
  Map: "convert it with `Object.fromEntries(map)`",
  Set: "convert it with `[...set]`",
  any: "convert it to a plain object, an array or a string",
};

class Walk {
  readonly parts: Part[] = [];
  readonly #path: Path = [];
  readonly #holders = new Set<object>();

  /** The value itself when JSON can hold it as it is, else a copy in which it can. */
  plain(value: unknown): unknown {
    switch (typeof value) {
      case "string":
      case "boolean":
      case "undefined":
        return value;
      case "number":
        // JSON.stringify would send null, and the model would run on something nobody wrote.
        if (!Number.isFinite(value)) this.#refuse(`${value} cannot be sent as JSON; pass null or omit it`);
        return value;
      case "bigint":
        return this.#aside({ digits: value.toString() });
      case "object":
        return value === null ? null : this.#object(value);
      default:
        return this.#refuse(`${kindOf(value)} cannot be sent`);
    }
  }

  #object(value: object): unknown {
    if (Array.isArray(value)) return this.#within(value, () => this.#array(value));
    if (ArrayBuffer.isView(value)) {
      return this.#aside({ bytes: new Uint8Array(value.buffer, value.byteOffset, value.byteLength) });
    }
    if (value instanceof FileOutput || value instanceof URL) return String(value);
    if (isBlob(value)) return this.#aside({ source: blobSource(value) });
    const tag = Object.prototype.toString.call(value).slice(8, -1);
    if (tag === "ArrayBuffer" || tag === "SharedArrayBuffer") {
      return this.#aside({ bytes: new Uint8Array(value as ArrayBuffer) });
    }
    if (isReadable(value)) return this.#aside({ source: streamSource(value) });
    const { toJSON } = value as { toJSON?: unknown };
    if (typeof toJSON === "function") {
      return this.#within(value, () => this.plain(toJSON.call(value, String(this.#path.at(-1) ?? ""))));
    }
    if (tag === "String" || tag === "Number" || tag === "Boolean" || tag === "BigInt") {
      return this.plain(value.valueOf());
    }
    if (tag !== "Object") {
      const article = /^[AEIOU]/.test(tag) ? "an" : "a";
      this.#refuse(`${article} ${tag} cannot be sent; ${ADVICE[tag] ?? ADVICE.any}`);
    }
    return this.#within(value, () => this.#members(value as Record<string, unknown>));
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

  #members(value: Record<string, unknown>): Record<string, unknown> {
    let copy: Record<string, unknown> | undefined;
    for (const key of Object.keys(value)) {
      this.#path.push(key);
      // Read once: a getter may give something else the second time.
      const before = value[key];
      const member = this.plain(before);
      this.#path.pop();
      if (member === before) continue;
      copy ??= { ...value };
      // `copy.__proto__ = ` would set the prototype instead of a member.
      Object.defineProperty(copy, key, {
        value: member,
        enumerable: true,
        configurable: true,
        writable: true,
      });
    }
    return copy ?? value;
  }

  #within<T>(holder: object, work: () => T): T {
    if (this.#holders.has(holder)) this.#refuse("circular reference: it contains itself");
    this.#holders.add(holder);
    const result = work();
    this.#holders.delete(holder);
    return result;
  }

  #aside(part: Omit<Part, "path">): null {
    this.parts.push({ path: JSON.stringify(this.#path), ...part });
    return null;
  }

  #refuse(reason: string): never {
    invalid(`\`${describePath(this.#path)}\`: ${reason}`);
  }
}
