/** Names and units of this face, and what the core calls them. */
import type { ReplicateOptions, RunOptions, WaitOptions } from "./options";

/** Options whose names are ours. Everything else (`webhook_events_filter` ...) is the API's and stays as it is. */
const OWN: Readonly<Record<string, string>> = {
  auth: "token",
  userAgent: "user_agent",
  baseUrl: "base_url",
  fileEncodingStrategy: "file_encoding_strategy",
  verifyUploads: "verify_uploads",
  useFileOutput: "use_file_output",
  connectTimeout: "connect_timeout",
  idleTimeout: "idle_timeout",
  maxRetries: "max_retries",
  pollInterval: "poll_interval",
  onAbandon: "on_abandon",
  caBundle: "ca_bundle",
  cancelAfter: "cancel_after",
  clockRate: "clock_rate",
};

/** The options of a client. */
const CLIENT_OPTIONS = Object.keys({
  auth: true,
  userAgent: true,
  baseUrl: true,
  fetch: true,
  fileEncodingStrategy: true,
  verifyUploads: true,
  useFileOutput: true,
  timeout: true,
  connectTimeout: true,
  idleTimeout: true,
  maxRetries: true,
  headers: true,
  query: true,
  pollInterval: true,
  onAbandon: true,
  proxy: true,
  caBundle: true,
} satisfies Record<keyof ReplicateOptions, true>);

/** The options of calls that run a model. The core knows which call has which. */
const CALL_OPTIONS = Object.keys({
  input: true,
  wait: true,
  timeout: true,
  interval: true,
  webhook: true,
  webhook_events_filter: true,
  stream: true,
  cancelAfter: true,
  useFileOutput: true,
  fileEncodingStrategy: true,
  onAbandon: true,
  onUpload: true,
  signal: true,
  maxRetries: true,
  headers: true,
  query: true,
} satisfies Record<keyof RunOptions | keyof WaitOptions | "stream", true>);

/** Returns the options of a client. */
export const clientOptions = (): string[] => CLIENT_OPTIONS;

/** Returns the options of calls that run a model. */
export const callOptions = (): string[] => CALL_OPTIONS;

const THEIRS = new Map(Object.entries(OWN).map(([own, name]) => [name, own]));

/** Milliseconds here, seconds there. */
const TIMES = new Set(["timeout", "connectTimeout", "idleTimeout", "interval", "pollInterval"]);

/** A member as the core has it. A name that is nobody's stays, so that the core refuses it as it was written. */
export function inward(name: string, value: unknown): [string, unknown] {
  return [OWN[name] ?? name, TIMES.has(name) && typeof value === "number" ? value / 1000 : value];
}

/** Beginnings of messages, as the core has them and as npm's `replicate` has them: programs match on these. */
const OFFICIAL: [RegExp, string][] = [
  [/^Missing webhook (?:id|timestamp|signature|headers)(?=:)/, "Missing required webhook headers"],
  [/^Missing webhook body(?=\.)/, "Missing required body"],
  [/^Missing webhook signing secret(?=:)/, "Missing required secret"],
  [
    /^Exactly one of 'model', 'version', or 'deployment' must/,
    "Either model or version must be specified. Exactly one of 'model', 'version', or 'deployment' must",
  ],
];

/** A message of the core with the names, units and official beginnings of this face. */
export function outward(text: string): string {
  const official = OFFICIAL.find(([pattern]) => pattern.test(text));
  const message = (official ? text.replace(...official) : text).replace(
    /(?<=`(?:timeout|connect_timeout|idle_timeout|interval|poll_interval)` must be .* number of )seconds/,
    "milliseconds",
  );
  return message.replace(/(?<!unknown option )`(\w+)`/g, (quoted, name) => {
    // Elsewhere than in the client's options a `token` is something else.
    if (name === "token" && !message.startsWith("options: ")) return quoted;
    return THEIRS.has(name) ? `\`${THEIRS.get(name)}\`` : quoted;
  });
}
