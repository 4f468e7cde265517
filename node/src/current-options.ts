/** The options of one client, and the core's client that uses them. */

import { clientParams } from "./call-options";
import type { Core } from "./calls";
import { channel } from "./completion-channel";
import { encodeParams, rethrow, unknownOption } from "./compute";
import { InvalidArgumentError } from "./errors";
import { FetchTransport } from "./fetch-transport";
import { invalid, kindOf } from "./invalid";
import { loggerOf, logTo, STDERR } from "./logger";
import { clientOptions, inward, outwardValue } from "./names";
import { native } from "./native";
import type { Fetch, ReplicateOptions } from "./options";
import { platform } from "./platform";
import { type Owner, through, withoutSent } from "./replaced";
import { version } from "./version";

/** Options that are assignable properties of a client. */
export const ASSIGNABLE = [
  "auth",
  "userAgent",
  "baseUrl",
  "fetch",
  "fileEncodingStrategy",
  "useFileOutput",
] as const;

type Values = Partial<Record<keyof ReplicateOptions, unknown>>;

/** The current options. The core's client is replaced when one of them changes. */
export class CurrentOptions {
  #core: Core;
  #resolved: Record<string, unknown>;
  /** Values of `#resolved` in the form of this language. Every call reads some. */
  #outward = new Map<string, unknown>();
  /** Values that replace the options: class fields of a subclass, and spies. */
  #overrides: Values = {};
  /** The core's client that uses these values, if there are any. */
  #overridden: Core | undefined;
  /** The core's clients whose requests go through replaced methods, by the names of these. */
  readonly #through = new Map<string, Core>();
  /** What `#through` derives from. */
  #base: Core | undefined;
  /** What the user was already warned of. */
  #warned = new Set<string>();

  constructor(private options: ReplicateOptions) {
    [this.#core, this.#resolved] = this.#connect(options);
  }

  /**
   * Returns the core's client for `owner`, whose own properties override the options.
   *
   * @param replaced the names of the methods that its requests go through
   */
  core(owner: Owner, replaced = ""): Core {
    let overrides: Values | undefined;
    for (const name of ASSIGNABLE) {
      const value = (owner as Values)[name];
      const override = value === this.get(name) ? undefined : value;
      if (override === this.#overrides[name]) continue;
      overrides ??= { ...this.#overrides };
      overrides[name] = override;
    }
    if (overrides) {
      this.#overridden = this.#override(this.options, overrides);
      this.#overrides = overrides;
    }
    const base = this.#overridden ?? this.#core;
    return replaced ? this.#connectThrough(owner, replaced, base) : base;
  }

  #connectThrough(owner: Owner, replaced: string, base: Core): Core {
    if (this.#base !== base) this.#through.clear();
    this.#base = base;
    const known = this.#through.get(replaced);
    if (known) return known;
    const send: Fetch = (...request) => (base.fetch ?? globalThis.fetch)(...request);
    const options: ReplicateOptions = { ...this.options, ...given(this.#overrides) };
    const token = (options.auth ?? "").trim();
    const fetch = through(owner, replaced, () => resolved.base_url as string, token, send);
    // What the methods send waits for the rate limit.
    const [core, resolved] = connect({ ...options, fetch, rateLimit: null });
    const connected = { ...core, telemetry: core.telemetry && withoutSent(core.telemetry) };
    this.#through.set(replaced, connected);
    return connected;
  }

  change(values: Values): void {
    const options = { ...this.options, ...values } as ReplicateOptions;
    const [core, resolved] = this.#connect(options);
    this.#overridden = this.#override(options, this.#overrides);
    this.#core = core;
    this.#resolved = resolved;
    this.#outward.clear();
    this.options = options;
  }

  #override(options: ReplicateOptions, overrides: Values): Core | undefined {
    const values = given(overrides);
    return Object.keys(values).length > 0 ? this.#connect({ ...options, ...values })[0] : undefined;
  }

  /** Connects, and emits the warnings about the options, each once per client. */
  #connect(options: ReplicateOptions): [Core, Record<string, unknown>] {
    const connected = connect(options);
    for (const text of connected[0].client.warnings) {
      if (this.#warned.has(text)) continue;
      this.#warned.add(text);
      platform.warn(text, "InsecureConnectionWarning");
      const logger = connected[0].telemetry?.logger;
      if (logger && logger !== STDERR) logTo(logger, { event: text, level: "warn", fields: {}, text });
    }
    return connected;
  }

  get(name: keyof ReplicateOptions): unknown {
    if (name === "auth") return this.options.auth;
    if (name === "fetch") return this.options.fetch || globalThis.fetch;
    // As given: the core normalizes a trailing slash.
    if (name === "baseUrl" && this.options.baseUrl) return this.options.baseUrl;
    if (!this.#outward.has(name)) {
      this.#outward.set(name, outwardValue(name, this.#resolved[inward(name, undefined)[0]]));
    }
    return this.#outward.get(name);
  }
}

const given = (values: Values) =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));

function connect(given: ReplicateOptions): [Core, Record<string, unknown>] {
  const options = nonempty(given);
  const { logger, logLevel, onRequest, onResponse, onRetry, cancelOnExit = true, ...others } = options;
  const { fetch: sent = platform.fetch, waitUntil, dangerouslyAllowBrowser, ...rest } = others;
  checkOptions(given);
  const fetch = platform.isBrowser && sent && dangerouslyAllowBrowser !== true ? withoutToken(sent) : sent;
  const log = loggerOf({ logger, logLevel });
  const hooks = { onRequest, onResponse, onRetry };
  const reports = log.logger || onRequest || onResponse || onRetry;
  const telemetry = reports ? { ...log, hooks } : undefined;
  // Read by the platform. An empty token keeps the core from reading the environment of the process.
  const values = {
    userAgent: `${platform.agent}/${version}`,
    fileEncodingStrategy: "default",
    ...rest,
    baseUrl: platform.baseUrl(rest.baseUrl ?? platform.env("REPLICATE_BASE_URL")),
    auth: options.auth ?? "",
  };
  const { json, parts } = encodeParams(clientParams(values));
  try {
    return rethrow(() => {
      const client = new native.NativeClient(channel, json, parts, fetch && new FetchTransport(fetch).send);
      const tracing = options.tracing !== false;
      const core = { client, fetch, telemetry, tracing, cancelOnExit, waitUntil };
      return [core, JSON.parse(client.describe())];
    });
  } catch (error) {
    if (rest.baseUrl === undefined && error instanceof InvalidArgumentError && error.argument === "baseUrl") {
      invalid(error.message.replace("`baseUrl`", "the environment variable REPLICATE_BASE_URL"));
    }
    throw error;
  }
}

/** Checks what the core does not see. */
function checkOptions({ fetch, cancelOnExit, waitUntil, ...options }: ReplicateOptions): void {
  // Before encoding, which would fail on the internals of an agent or a logger.
  const known = clientOptions();
  const unknown = Object.keys(options).find((name) => !known.includes(name) && name !== "clockRate");
  if (unknown !== undefined) invalid(unknownOption(unknown, known), unknown);
  if (fetch && typeof fetch !== "function") {
    invalid(`options: \`fetch\` must be a function, not ${kindOf(fetch)}`, "fetch");
  }
  for (const name of ["onRequest", "onResponse", "onRetry"] as const) {
    const hook = options[name];
    if (hook !== undefined && typeof hook !== "function") {
      invalid(`options: \`${name}\` must be a function, not ${kindOf(hook)}`, name);
    }
  }
  if (cancelOnExit !== undefined && typeof cancelOnExit !== "boolean") {
    invalid(`options: \`cancelOnExit\` must be true or false, not ${kindOf(cancelOnExit)}`, "cancelOnExit");
  }
  if (waitUntil !== undefined && typeof waitUntil !== "function") {
    invalid(
      `options: \`waitUntil\` must be a function, such as (promise) => ctx.waitUntil(promise), not ${kindOf(waitUntil)}`,
      "waitUntil",
    );
  }
  if (platform.isBrowser && options.dangerouslyAllowBrowser !== true) {
    if (options.auth) refuseToken("auth");
    checkHeaders(Object(options.headers));
  }
}

/** Rejects a token in headers for a web page. Other credentials, such as those of a session, are for a server of the user. */
function checkHeaders(headers: object): void {
  for (const [name, value] of Object.entries(headers)) {
    if (name.toLowerCase() === "authorization" && /\br8_/.test(String(value))) refuseToken("headers");
  }
}

function refuseToken(option: string): never {
  invalid(
    `options: \`${option}\` must not contain a token in a web page, whose users can read it; set \`baseUrl\` to your own ` +
      "server, which adds the token, or pass `dangerouslyAllowBrowser: true`",
    option,
  );
}

/** Returns a `fetch` that rejects requests with a token, which calls and hooks may add. */
function withoutToken(fetch: Fetch): Fetch {
  return (input, init) => {
    checkHeaders(Object(init?.headers));
    return fetch(input, init);
  };
}

/** Returns the options that have a value. The official client takes its defaults for falsy values, except `useFileOutput: false`. */
function nonempty(options: ReplicateOptions): ReplicateOptions {
  const isEmpty = (name: string, value: unknown) =>
    value === undefined ||
    (!value && ASSIGNABLE.some((own) => own === name) && !(name === "useFileOutput" && value === false));
  return Object.fromEntries(Object.entries(options).filter(([name, value]) => !isEmpty(name, value)));
}
