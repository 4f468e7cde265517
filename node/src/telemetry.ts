/** Logs, hooks and spans of calls: the TypeScript half of `crates/node/src/telemetry.rs`. */
import { HookCalls, type Hooks, type Question } from "./hooks";
import { type LogRecord, logTo } from "./logger";
import { native, type Wanted } from "./native";
import type { Logger, LogLevel } from "./options";
import { currentSpans, type SpanRecord, type Spans } from "./spans";

/** What the calls of a client report, apart from spans. */
export interface Telemetry {
  logger: Logger | undefined;
  level: LogLevel;
  hooks: Hooks;
  /** Returns whether a record is not logged. */
  omits?: (record: LogRecord) => boolean;
}

/** Receives what one call reports, in the async context of its caller. */
export class Receiver {
  readonly #hooks: HookCalls;

  constructor(
    private readonly telemetry: Telemetry | undefined,
    private readonly spans: Spans | undefined,
  ) {
    this.#hooks = new HookCalls(telemetry?.hooks ?? {});
  }

  /** Returns what the core reports to this receiver, as `number`. */
  wanted(number: number): Wanted {
    const { logger, level, hooks } = this.telemetry ?? {};
    return {
      number,
      level: logger && level ? level : "off",
      spans: this.spans !== undefined,
      onRequest: hooks?.onRequest !== undefined,
      onResponse: hooks?.onResponse !== undefined,
      onRetry: hooks?.onRetry !== undefined,
    };
  }

  readonly receive = (json: string): void => {
    const record = JSON.parse(json) as LogRecord | SpanRecord | Question;
    if ("span" in record) this.spans?.report(record);
    else if ("ask" in record) void this.#answer(record);
    else if (this.telemetry?.logger && !this.telemetry.omits?.(record)) logTo(this.telemetry.logger, record);
  };

  async #answer(question: Question): Promise<void> {
    try {
      const added = question.hook === "request" ? (this.spans?.headers(question.inside) ?? []) : [];
      const changed = await this.#hooks.call(question, added);
      native.answer(question.ask, JSON.stringify(changed));
    } catch {
      // `HookCalls` keeps the exception for the call.
      native.answer(question.ask, null);
    }
  }

  /** The exception of a hook, with which the call rejects. */
  get raised(): { error: unknown } | undefined {
    return this.#hooks.raised;
  }
}

/** Returns the receiver of a call in the current async context; undefined if nothing receives reports. */
export function receiverOf(telemetry: Telemetry | undefined, tracing: boolean): Receiver | undefined {
  const spans = tracing ? currentSpans() : undefined;
  return telemetry || spans ? new Receiver(telemetry, spans) : undefined;
}
