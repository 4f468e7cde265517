/** Loggers that the events of a client go to. */
import { invalid, kindOf } from "./invalid";
import type { Logger, LogLevel } from "./options";
import { platform } from "./platform";

/** An event of the core. */
export interface LogRecord {
  event: string;
  level: "debug" | "info" | "warn" | "error";
  fields: Record<string, unknown>;
  /** The event and its fields in one line. */
  text: string;
}

const LEVELS = ["debug", "info", "warn", "off"];
const METHODS = ["debug", "info", "warn", "error"] as const;

/** Writes lines to standard error, as the output of a program goes to standard output. */
class StderrLogger implements Logger {
  debug = (line: string) => console.error(line);
  info = this.debug;
  warn = this.debug;
  error = this.debug;
}

/** The logger of `REPLICATE_LOG`. */
export const STDERR = new StderrLogger();

/** Returns the logger and level of a client; no logger if the level is `off`. */
export function loggerOf(options: { logger?: Logger | undefined; logLevel?: LogLevel | undefined }): {
  logger: Logger | undefined;
  level: LogLevel;
} {
  const { logger, logLevel } = options;
  if (logger !== undefined && !isLogger(logger)) {
    invalid(
      `options: \`logger\` must have the methods debug, info, warn and error, like console, not ${kindOf(logger)}`,
      "logger",
    );
  }
  if (logLevel !== undefined && !LEVELS.includes(logLevel)) {
    invalid(
      `options: \`logLevel\` must be "debug", "info", "warn" or "off", not ${JSON.stringify(logLevel)}`,
      "logLevel",
    );
  }
  const level = logLevel ?? levelOfEnvironment() ?? (logger ? "info" : "off");
  return { logger: level === "off" ? undefined : (logger ?? STDERR), level };
}

/** The wrong value of `REPLICATE_LOG` that the user was warned of. */
let warned: string | undefined;

function levelOfEnvironment(): LogLevel | undefined {
  const level = platform.env("REPLICATE_LOG")?.trim().toLowerCase();
  if (level === undefined || level === "") return undefined;
  if (LEVELS.includes(level)) return level as LogLevel;
  if (level !== warned) {
    warned = level;
    const text = `the environment variable REPLICATE_LOG must be "debug", "info", "warn" or "off", not ${JSON.stringify(level)}`;
    platform.warn(text, "Warning");
  }
  return undefined;
}

function isLogger(logger: unknown): boolean {
  return (
    (typeof logger === "object" || typeof logger === "function") &&
    logger !== null &&
    METHODS.every((name) => typeof (logger as Record<string, unknown>)[name] === "function")
  );
}

/** Passes an event to a logger. Structured loggers receive its fields as an object. */
export function logTo(logger: Logger, record: LogRecord): void {
  try {
    const done = call(logger, record);
    // An async logger, whose rejection would end the process.
    if (typeof (done as PromiseLike<unknown> | undefined)?.then === "function") {
      Promise.resolve(done).catch(() => {});
    }
  } catch {
    // A logger must not change what a call does.
  }
}

function call(logger: Logger, { event, level, fields, text }: LogRecord): unknown {
  const log = logger as unknown as Record<string, (...args: unknown[]) => unknown>;
  if (logger === STDERR) return log[level]?.(`[${new Date().toISOString()} replicant ${level}] ${text}`);
  // pino and bunyan, unlike the console and winston, take the fields first.
  if ("child" in logger && ("bindings" in logger || "fields" in logger)) {
    return log[level]?.({ ...fields }, `replicant: ${event}`);
  }
  return log[level]?.(`replicant: ${event}`, fields);
}
