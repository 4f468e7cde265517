/** Models that a test defines: the emulator sends each run to this process and receives its events. */
import { AsyncLocalStorage, AsyncResource } from "node:async_hooks";
import { randomUUID } from "node:crypto";
import { format } from "node:util";
import type { Source } from "../source";
import { rejectBigInt } from "../testing-arguments";
import type { JsonSchema, ModelFunction, ModelOptions, ModelRun } from "../testing-types";
import { encode, withFile } from "../value";
import { connect, control } from "./control";
import { send } from "./thread";

interface Model {
  run: ModelFunction;
  /** Members of the input that are files. */
  files: string[];
}

/** A line that the emulator sends. */
interface Message {
  created?: string;
  run?: { id: string; definition: string; input: Record<string, unknown> };
  cancel?: string;
  forget?: string;
  ended?: string;
}

/** The run whose function is calling. */
const current = new AsyncLocalStorage<Run>();
let redirected = false;

/** Makes what the functions of models write to the console their logs. */
function redirectConsole() {
  if (redirected) return;
  redirected = true;
  for (const name of ["log", "info", "warn", "error", "debug"] as const) {
    const original = console[name];
    console[name] = (...values: unknown[]) => {
      const run = current.getStore();
      if (run === undefined) original.apply(console, values);
      else run.log(...values);
    };
  }
}

/** Returns the members of an input that are files or lists of files. */
function fileMembers(schema: JsonSchema): string[] {
  const properties = Object.entries((schema.properties ?? {}) as Record<string, JsonSchema>);
  return properties.filter(([, property]) => isFile(schema, property)).map(([name]) => name);
}

/** Whether every string that a schema allows, or every one in its lists, is a file. */
function isFile(root: JsonSchema, schema: JsonSchema): boolean {
  const parts = new Set([schema]);
  for (const part of parts) {
    const within = [part.$ref && target(root, part.$ref), part.items, part.anyOf, part.oneOf, part.allOf];
    for (const each of within.flat()) if (each) parts.add(each as JsonSchema);
  }
  const texts = [...parts].filter(({ type, format }) => format === "uri" || [type].flat().includes("string"));
  return texts.length > 0 && texts.every(({ format }) => format === "uri");
}

/** Returns the schema that a reference such as `#/$defs/Image` names. */
function target(root: JsonSchema, reference: unknown): unknown {
  const names = String(reference).split("/").slice(1);
  return names.reduce<unknown>((found, name) => (found as JsonSchema | undefined)?.[name], root);
}

async function read({ pull }: Source): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for (let chunk = await pull(0, false); chunk !== null; chunk = await pull(0, false)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Milliseconds for which a prediction keeps the process alive. */
const LONGEST_HOLD = 30_000;

/** The models of an emulator that are functions of this process. */
export class Models {
  readonly id = randomUUID();
  readonly #origin: string;
  readonly #base: string;
  /** By the ids of their definitions, because earlier versions of a model that is defined again still run. */
  readonly #models = new Map<string, Model>();
  readonly #runs = new Map<string, Run>();
  /** The predictions that have not ended, each with the timer that keeps the process alive for it. */
  readonly #holds = new Map<string, NodeJS.Timeout>();
  #connected = false;

  constructor(origin: string) {
    this.#origin = origin;
    this.#base = `${origin}/_emulator`;
  }

  /**
   * Defines a model, or replaces the one with its name.
   *
   * @throws {Error} if the emulator refuses it
   */
  define(name: string, options: ModelOptions, run: ModelFunction): void {
    redirectConsole();
    const files = fileMembers(options.input ?? {});
    this.#connect();
    const id = randomUUID();
    const { input, output, description, versions, coldStart, runTime } = options;
    const definition = {
      name,
      input,
      output,
      description,
      versions: versions ?? [],
      cold_start: coldStart ?? 0,
      run_time: runTime ?? 0,
      streams: /GeneratorFunction\]$/.test(Object.prototype.toString.call(run)),
      worker: this.id,
      definition: id,
    };
    this.#models.set(id, { run, files });
    try {
      control(this.#origin, "POST", "models", definition);
    } catch (error) {
      this.#models.delete(id);
      throw error;
    }
  }

  #connect() {
    if (this.#connected) return;
    const receive = (line: string | undefined) => {
      if (line === undefined) this.#endAll();
      else this.#handle(JSON.parse(line));
    };
    connect(this.#origin, `workers/${this.id}?follow=true`, AsyncResource.bind(receive));
    this.#connected = true;
  }

  #handle(message: Message) {
    if (message.created !== undefined) {
      const id = message.created;
      this.#holds.set(
        id,
        setTimeout(() => this.#holds.delete(id), LONGEST_HOLD),
      );
      send({ method: "POST", url: `${this.#base}/runs/${id}/acknowledge` }).catch(() => {});
    } else if (message.ended !== undefined) {
      clearTimeout(this.#holds.get(message.ended));
      this.#holds.delete(message.ended);
    } else if (message.run !== undefined) {
      const { id, definition, input } = message.run;
      const run = new Run(this.#base, id);
      this.#runs.set(id, run);
      void run.perform(this.#models.get(definition) as Model, input).finally(() => this.#runs.delete(id));
    } else if (message.cancel !== undefined) {
      this.#runs.get(message.cancel)?.cancel();
    } else if (message.forget !== undefined) {
      this.#models.delete(message.forget);
    }
  }

  #endAll() {
    for (const run of this.#runs.values()) run.cancel();
    for (const timer of this.#holds.values()) clearTimeout(timer);
    this.#holds.clear();
  }
}

/** A run of a model. */
class Run implements ModelRun {
  readonly #url: string;
  readonly #base: string;
  readonly #abort = new AbortController();
  /** Reports arrive in order, one after the other. Those after a report that failed fail, too. */
  #reported: Promise<unknown> = Promise.resolve();

  constructor(
    base: string,
    readonly id: string,
  ) {
    this.#base = base;
    this.#url = `${base}/runs/${id}`;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  cancel(): void {
    this.#abort.abort();
  }

  log(...values: unknown[]): void {
    void this.#report({ logs: `${wellFormed(format(...values))}\n` });
  }

  /** Never rejects: an exception fails the prediction. */
  async perform(model: Model, input: Record<string, unknown>): Promise<void> {
    await current.run(this, async () => {
      try {
        await this.#call(model, input);
        await this.#report("done");
      } catch (error) {
        await this.#fail(error).catch(() => {});
      }
    });
  }

  async #fail(error: unknown) {
    // The emulator accepts no report of a prediction that has ended.
    if (this.signal.aborted) return;
    this.#reported = this.#reported.catch(() => {});
    const text = error instanceof Error ? String(error.message) || error.name : format(error);
    this.log(error instanceof Error && error.stack ? error.stack : text);
    await this.#report({ failed: wellFormed(text) });
  }

  async #call(model: Model, input: Record<string, unknown>) {
    for (const member of model.files) {
      const value = input[member];
      if (typeof value === "string") input[member] = await this.#read(member, value);
      else if (Array.isArray(value)) {
        const read = (uri: unknown) => (typeof uri === "string" ? this.#read(member, uri) : uri);
        input[member] = await Promise.all(value.map(read));
      }
    }
    const result = await model.run(input, this);
    if (isGenerator(result)) {
      for await (const item of result) {
        if (this.signal.aborted) return;
        await this.#report({ emit: await this.#write(item) });
      }
    } else if (result !== undefined && result !== null) {
      await this.#report({ output: await this.#write(result) });
    }
  }

  async #read(member: string, uri: string): Promise<Buffer> {
    const url = `${this.#base}/content?uri=${encodeURIComponent(uri)}`;
    const response = await send({ method: "GET", url });
    const body = Buffer.from(response.body);
    if (response.status === 200) return body;
    throw new Error(`could not read input.${member}: ${JSON.parse(body.toString()).detail}`);
  }

  /**
   * Returns an output as JSON, with the URLs of its files.
   *
   * @throws {InvalidArgumentError} if a value inside it is neither JSON nor a file
   */
  async #write(output: unknown): Promise<unknown> {
    const { json, parts = [] } = encode({ output: output ?? null });
    const written = JSON.parse(json);
    for (const part of parts) {
      if (part.digits !== undefined) rejectBigInt(part);
      const { name, type } = part.source ?? {};
      const query = name === undefined ? "" : `?name=${encodeURIComponent(name)}`;
      const saved = await this.#post(
        `files${query}`,
        type,
        part.bytes ?? (await read(part.source as Source)),
      );
      const file = () => JSON.parse(saved).url;
      for (const path of part.path.split("\n")) withFile(written, JSON.parse(path), file);
    }
    return written.output;
  }

  #report(event: unknown): Promise<unknown> {
    const report = () => this.#post("events", "application/json", JSON.stringify([event]));
    this.#reported = this.#reported.then(report);
    // `perform` learns of a failed log from the next report.
    this.#reported.catch(() => {});
    return this.#reported;
  }

  async #post(path: string, type: string | undefined, body: Uint8Array | string): Promise<string> {
    const response = await send({ method: "POST", url: `${this.#url}/${path}`, type, body });
    const text = Buffer.from(response.body).toString();
    if (response.status < 400) return text;
    // The prediction has ended.
    if (response.status === 410) this.cancel();
    const reason = text === "" ? `status ${response.status}` : JSON.parse(text).detail;
    throw new Error(`the emulator refused a report of the model: ${reason}`);
  }
}

/** Replaces halves of surrogate pairs, which the emulator refuses in logs and errors. */
function wellFormed(text: string): string {
  return Buffer.from(text).toString();
}

function isGenerator(value: unknown): value is AsyncIterable<unknown> | Iterable<unknown> {
  if (typeof value !== "object" || value === null || !("next" in value)) return false;
  return Symbol.iterator in value || Symbol.asyncIterator in value;
}
