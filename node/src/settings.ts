/** The options of a client, and the core's client that goes with them. */
import { type Core, rethrow, unknownOption } from "./bridge";
import { Carrier } from "./fetch";
import { inbox } from "./inbox";
import { invalid, kindOf } from "./invalid";
import { CLIENT_OPTIONS, inward } from "./names";
import { native } from "./native";
import type { ReplicateOptions } from "./options";
import { params } from "./params";
import { encode } from "./value";
import { version } from "./version";

/** Options that are properties of a client and can be assigned. */
export const SETTINGS = [
  "auth",
  "userAgent",
  "baseUrl",
  "fetch",
  "fileEncodingStrategy",
  "useFileOutput",
] as const;

type Values = Partial<Record<keyof ReplicateOptions, unknown>>;

/** The options in force. The core's client is replaced whenever one of them changes. */
export class Settings {
  #core: Core;
  #resolved: Record<string, unknown>;
  /** Values that replace the settings: class fields of a subclass, and spies. */
  #instead: Values = {};
  /** The core's client that uses these values, if there are any. */
  #other: Core | undefined;

  constructor(private options: ReplicateOptions) {
    [this.#core, this.#resolved] = connect(options);
  }

  /** The core's client for `owner`. */
  core(owner: object): Core {
    let changed = false;
    for (const name of SETTINGS) {
      const value = (owner as Values)[name];
      const instead = value === this.get(name) ? undefined : value;
      if (instead === this.#instead[name]) continue;
      this.#instead[name] = instead;
      changed = true;
    }
    if (changed) this.#replace(this.options);
    return this.#other ?? this.#core;
  }

  change(values: Values): void {
    const options = { ...this.options, ...values } as ReplicateOptions;
    [this.#core, this.#resolved] = connect(options);
    this.options = options;
    this.#replace(options);
  }

  #replace(options: ReplicateOptions): void {
    const instead = defined(this.#instead);
    this.#other = Object.keys(instead).length > 0 ? connect({ ...options, ...instead })[0] : undefined;
  }

  get(name: keyof ReplicateOptions): unknown {
    if (name === "auth") return this.options.auth;
    if (name === "fetch") return this.options.fetch ?? globalThis.fetch;
    // As it was written: the core adds or takes away a slash.
    if (name === "baseUrl" && this.options.baseUrl !== undefined) return this.options.baseUrl;
    const value = this.#resolved[inward(name, undefined)[0]];
    return name === "timeout" ? (value as number) * 1000 : value;
  }
}

function connect(options: ReplicateOptions): [Core, Record<string, unknown>] {
  const { fetch, ...rest } = options;
  checkOptions(options);
  // From process.env, because a worker's or a test runner's own environment is not the process's. The empty
  // token is none, so that the core does not look for one there.
  const env = { baseUrl: process.env.REPLICATE_BASE_URL || undefined };
  const given = {
    userAgent: `replicant-node/${version}`,
    fileEncodingStrategy: "default",
    ...env,
    ...defined(rest),
  };
  const { json, parts } = encode(params({ ...given, auth: options.auth ?? "" }));
  return rethrow(() => {
    const client = new native.NativeClient(inbox, json, parts, fetch && new Carrier(fetch).send);
    return [{ client, fetch }, JSON.parse(client.describe())];
  });
}

/** What the core cannot see. */
function checkOptions({ fetch, ...options }: ReplicateOptions): void {
  // Before anything is encoded, which would stumble over the inside of an agent or a logger.
  const unknown = Object.keys(options).find((name) => !CLIENT_OPTIONS.includes(name) && name !== "clockRate");
  if (unknown !== undefined) invalid(unknownOption(unknown, CLIENT_OPTIONS));
  if (fetch && typeof fetch !== "function") {
    invalid(`options: \`fetch\` must be a function, not ${kindOf(fetch)}`);
  }
}

function defined(options: object): object {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
