/**
 * Spans of the core as spans of OpenTelemetry, if the program uses it. Its API is read from its global symbol, so nothing is
 * imported.
 */
import type { Changes } from "./hooks";
import { version } from "./version";

/** A change of a span. Times are in nanoseconds since the epoch. */
export interface SpanRecord {
  span: "open" | "set" | "close";
  id: number;
  parent: number | null;
  name: string;
  kind: string | null;
  status: string | null;
  attributes: Record<string, string | number | boolean>;
  time: number;
}

interface Context {
  getValue(key: symbol): unknown;
  setValue(key: symbol, value: unknown): Context;
  deleteValue(key: symbol): Context;
}

interface Span {
  setAttributes(attributes: object): unknown;
  setStatus(status: { code: number }): unknown;
  end(time: [number, number]): void;
}

interface Tracer {
  startSpan(name: string, options: object, context: Context): Span;
}

/** What `@opentelemetry/api` 1.x stores globally. Its parts are set when an SDK is registered. */
interface Api {
  trace?: { getTracer(name: string, version: string): Tracer };
  context?: { active(): Context };
  propagation?: {
    inject(
      context: Context,
      carrier: Record<string, string>,
      setter: { set(carrier: Record<string, string>, key: string, value: string): void },
    ): void;
  };
}

const API = Symbol.for("opentelemetry.js.api.1");
/** The key of the current span in a context. */
const SPAN = Symbol.for("OpenTelemetry Context Key SPAN");
/** `SpanKind.CLIENT`, `SpanKind.INTERNAL` and `SpanStatusCode.ERROR`. */
const CLIENT = 2;
const INTERNAL = 0;
const ERROR = 2;

/** A context for programs without a context manager. */
class PlainContext implements Context {
  readonly #values: Map<symbol, unknown>;

  constructor(values?: Iterable<[symbol, unknown]>) {
    this.#values = new Map(values);
  }

  getValue(key: symbol): unknown {
    return this.#values.get(key);
  }

  setValue(key: symbol, value: unknown): Context {
    return new PlainContext([...this.#values, [key, value]]);
  }

  deleteValue(key: symbol): Context {
    return new PlainContext([...this.#values].filter(([known]) => known !== key));
  }
}

/** The spans of one call. */
export class Spans {
  readonly #open = new Map<number, Span>();

  constructor(
    private readonly tracer: Tracer | undefined,
    private readonly propagation: Api["propagation"],
    private readonly context: Context,
  ) {}

  /** Starts, changes or ends a span. */
  report({ span, id, parent, name, kind, status, attributes, time }: SpanRecord): void {
    if (span === "open") {
      const options = {
        kind: kind === "client" ? CLIENT : INTERNAL,
        attributes,
        startTime: hrTime(time),
      };
      const started = this.tracer?.startSpan(name, options, this.#inside(parent));
      if (started) this.#open.set(id, started);
    } else if (span === "set") {
      const open = this.#open.get(id);
      open?.setAttributes(attributes);
      if (status === "ERROR") open?.setStatus({ code: ERROR });
    } else {
      this.#open.get(id)?.end(hrTime(time));
      this.#open.delete(id);
    }
  }

  /** Returns the headers that pass the context of a span on, such as `traceparent`. */
  headers(id: number | undefined): Changes {
    const carrier: Record<string, string> = {};
    const set = (to: Record<string, string>, name: string, value: string) => {
      to[name.toLowerCase()] = String(value);
    };
    if (id !== undefined) this.propagation?.inject(this.#inside(id), carrier, { set });
    return Object.entries(carrier);
  }

  /** Returns the context in which a span is the current one. */
  #inside(id: number | null): Context {
    const span = id === null ? undefined : this.#open.get(id);
    return span ? this.context.setValue(SPAN, span) : this.context;
  }
}

function hrTime(nanoseconds: number): [number, number] {
  return [Math.floor(nanoseconds / 1e9), Math.floor(nanoseconds % 1e9)];
}

/** Returns the spans of a call in the current async context; undefined if the program does not trace. */
export function currentSpans(): Spans | undefined {
  const api = (globalThis as { [API]?: Api })[API];
  if (api === undefined) return undefined;
  const context = api.context?.active() ?? new PlainContext();
  const tracer = api.trace?.getTracer("replicant", version);
  // Without an SDK for spans there can still be one to pass on.
  if (tracer === undefined && context.getValue(SPAN) === undefined) return undefined;
  return new Spans(tracer, api.propagation, context);
}
