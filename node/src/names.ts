/** Names and units of this face, and what the core calls them. */

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

const THEIRS = new Map(Object.entries(OWN).map(([own, name]) => [name, own]));

/** Milliseconds here, seconds there. */
const TIMES = new Set(["timeout", "connectTimeout", "idleTimeout", "interval", "pollInterval"]);

/** A member as the core has it. A name that is nobody's stays, so that the core refuses it as it was written. */
export function inward(name: string, value: unknown): [string, unknown] {
  return [OWN[name] ?? name, TIMES.has(name) && typeof value === "number" ? value / 1000 : value];
}

/** A message of the core with the names of this face. */
export function outward(message: string): string {
  return message.replace(/`(\w+)`/g, (quoted, name) => {
    // Elsewhere than in the client's options a `token` is something else.
    if (name === "token" && !message.startsWith("options: ")) return quoted;
    return THEIRS.has(name) ? `\`${THEIRS.get(name)}\`` : quoted;
  });
}
