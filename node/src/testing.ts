/** A local server that behaves like Replicate's API, for tests without token, network or money. */
import { Replicate } from "./client";
import { type NativeEmulator, native } from "./native";
import type { ReplicateOptions } from "./options";

/** How an {@link Emulator} behaves. */
export type EmulatorOptions = {
  /** Where it listens on 127.0.0.1; 0 (the default) picks a free port. */
  port?: number | undefined;
  /** The only token it accepts; any, or none, when left out. */
  token?: string | undefined;
  /** Real seconds to a second of the service: 0.01 makes an hour pass in 36 seconds. */
  timeScale?: number | undefined;
  /** How many predictions may be created in a minute; 429 after that. */
  rateLimit?: number | undefined;
  /** How many predictions may be created at all; 402 after that. */
  credit?: number | undefined;
  /** How many items a page of a list holds. */
  pageSize?: number | undefined;
  /** What webhooks are signed with (`whsec_...`); made up when left out. */
  webhookSecret?: string | undefined;
};

/** A request that an {@link Emulator} received. */
export interface ReceivedRequest {
  method: string;
  path: string;
  query: string;
  headers: Record<string, string>;
  json?: unknown;
  [member: string]: unknown;
}

/** Requests that are to fail, and how. */
export interface Fault {
  /** Which requests. */
  match: { method?: string; path?: string };
  /** How many of them; all when left out. */
  times?: number;
  /** What happens: an answer, or a connection that misbehaves. */
  action: {
    status?: number;
    json?: unknown;
    headers?: Record<string, string>;
    delay_ms?: number;
    close_before_reply?: boolean;
    cut_body_at?: number;
    reset?: boolean;
    stall_body_at?: number;
  };
}

/**
 * An emulator in this process, on a thread and a loopback port of its own. It keeps real state, checks
 * inputs against each model's schema, streams events, signs webhooks; its models do real work.
 *
 * It ends with `close()`, with a `using` declaration, or with the process, which it does not keep.
 *
 * @example
 * const emulator = new Emulator();
 * const output = await emulator.client().run("emulator/echo", { input: { value: 1 } });
 * emulator.close();
 */
export class Emulator {
  /** Where the API is: `http://127.0.0.1:<port>/v1`. */
  readonly baseUrl: string;
  /** What its webhooks are signed with. */
  readonly webhookSecret: string;
  readonly #native: NativeEmulator;
  readonly #token: string | undefined;

  /** @throws {Error} if an option cannot be used, or the port is taken */
  constructor(options: EmulatorOptions = {}) {
    const { port, token, timeScale, rateLimit, credit, pageSize, webhookSecret } = options;
    const named = {
      port,
      token,
      "time-scale": timeScale,
      "rate-limit": rateLimit,
      credit,
      "page-size": pageSize,
      "webhook-secret": webhookSecret,
    };
    const given = Object.entries(named).filter(([, value]) => value !== undefined);
    this.#native = new native.NativeEmulator(given.map(([name, value]) => `--${name}=${value}`));
    this.#token = token;
    const addresses = JSON.parse(this.#native.addresses());
    this.baseUrl = addresses.base_url;
    this.webhookSecret = addresses.webhook_secret;
  }

  /** A client of it. */
  client(options: ReplicateOptions = {}): Replicate {
    return new Replicate({ baseUrl: this.baseUrl, auth: this.#token, ...options });
  }

  /** What it has received, oldest first. */
  requests(): ReceivedRequest[] {
    return JSON.parse(this.#native.requests());
  }

  /**
   * Makes requests fail.
   *
   * @throws {Error} if a rule cannot be read
   */
  misbehave(...rules: Fault[]): void {
    this.#native.addFaults(JSON.stringify(rules));
  }

  /** Ends it and closes its connections. */
  close(): void {
    this.#native.stop();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
