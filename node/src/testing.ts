/** An emulator of Replicate's API, for tests without a token, a network or costs. */
import { Replicate } from "./client";
import { rethrow } from "./compute";
import { invalid, kindOf } from "./invalid";
import { assertionError, control, Models, Program } from "./kit";
import type { ReplicateOptions } from "./options";
import { checkedOptions, plain } from "./testing-arguments";
import { filled } from "./testing-matchers";
import {
  EMULATOR_OPTIONS,
  type EmulatorOptions,
  FAILURE_OPTIONS,
  type Failure,
  MODEL_OPTIONS,
  SCRIPT_OPTIONS,
  type Script,
} from "./testing-options";
import type { ModelFunction, ModelOptions } from "./testing-types";

export type { EmulatorOptions, Failure, Script } from "./testing-options";
export type { JsonSchema, ModelFunction, ModelOptions, ModelRun } from "./testing-types";

/** Matches any value in an expected input. */
export const ANY = "{{any}}";

/** The emulators of clients, because an emulator stops when it is collected. Calls and files hold their client. */
const emulators = new WeakMap<Replicate, Emulator>();

/** A request that an {@link Emulator} received. */
export interface ReceivedRequest {
  method: string;
  path: string;
  query: string;
  headers: Record<string, string>;
  json?: unknown;
  [member: string]: unknown;
}

/** A rule for requests that fail. */
export interface Fault {
  /** Requests that fail. Defaults to all. */
  match?: { method?: string; path?: string; operation?: string };
  /** Number of requests that fail; 0 for all. Defaults to 1. */
  times?: number;
  /** How they fail: a response, or a fault of the connection. The members combine. */
  action: {
    /** Milliseconds to wait first. */
    delay_ms?: number;
    /** Status of a response that is sent instead of processing the request. */
    status?: number;
    /** JSON body of that response. */
    json?: unknown;
    /** Text body of that response. */
    text?: string;
    /** Whether that response has the body that the API sends with its status. */
    problem?: boolean;
    /** Seconds in the `Retry-After` header of that response, rounded up to whole ones. */
    retry_after?: number;
    /** Headers of the response; alone, they are added to the actual one. */
    headers?: Record<string, string>;
    /** Processes the request and closes the connection without a response. */
    close_before_reply?: boolean;
    /** The same with a TCP reset; with `cut_body_at`, resets the connection at that byte. */
    reset?: boolean;
    /** With one of the previous two: does not process the request. */
    unprocessed?: boolean;
    /** Number of bytes of the body after which the connection is closed. */
    cut_body_at?: number;
    /** Number of bytes of the body after which nothing more is sent. */
    stall_body_at?: number;
  };
}

/**
 * An emulator: the program of the package `replicant-emulator` as a child process, on a loopback port. It keeps state,
 * validates inputs against each model's schema, streams events and signs webhooks, and its models compute real outputs.
 *
 * Stop it with `close()`, or a `using` or `await using` declaration; otherwise it stops when it and its clients are
 * collected, and with this process, however that ends. It keeps the process alive only while functions of the process
 * have predictions to run, each for up to 30 seconds.
 *
 * @example
 * const emulator = new Emulator();
 * const output = await emulator.client().run("emulator/echo", { input: { value: 1 } });
 * emulator.close();
 */
export class Emulator {
  /** URL of the emulator, whose page shows predictions as they run: `http://127.0.0.1:<port>`. */
  readonly origin: string;
  /** URL of its API: `http://127.0.0.1:<port>/v1`. */
  readonly baseUrl: string;
  /** URL of its API over HTTPS, with `tls`. */
  readonly tlsBaseUrl: string | undefined;
  /** Path of the certificate authority that clients have to trust, with `tls`. */
  readonly caBundle: string | undefined;
  /** Secret that its webhooks are signed with. */
  readonly webhookSecret: string;
  readonly #program: Program;
  readonly #options: EmulatorOptions;
  #clients = 0;
  readonly #models: Models;

  /** @throws {Error} if an option is invalid, the port is in use, or `replicant-emulator` is not installed */
  constructor(options: EmulatorOptions = {}) {
    const checked = checkedOptions(options, EMULATOR_OPTIONS);
    const given = Object.entries(checked).filter(([, value]) => value !== false);
    const dashed = (name: string) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    const parameters = given.map(([name, value]) =>
      value === true ? `--${dashed(name)}` : `--${dashed(name)}=${value}`,
    );
    this.#program = rethrow(() => new Program(parameters));
    this.#options = checked;
    const { base_url, webhook_secret, origin, tls_base_url, ca_bundle } = this.#program.addresses;
    this.baseUrl = base_url;
    this.webhookSecret = webhook_secret;
    this.tlsBaseUrl = tls_base_url;
    this.caBundle = ca_bundle;
    this.origin = origin;
    this.#models = new Models(this.origin);
  }

  /**
   * Returns a client of the emulator. Its token is by default the one that the emulator requires, or a new one; if the
   * emulator records, that of the environment.
   */
  client(options: ReplicateOptions = {}): Replicate {
    const { token, record } = this.#options;
    // Not that of the environment, which the received requests and failed assertions would show. Each client has its own,
    // because all clients with the same token share the pause after a 429.
    const auth = token ?? (record === undefined ? `r8_a-token-for-tests-${++this.#clients}` : undefined);
    const client = new Replicate({ baseUrl: this.baseUrl, auth, ...options });
    emulators.set(client, this);
    return client;
  }

  /** Returns the requests that it received, oldest first. */
  requests(): ReceivedRequest[] {
    return control(this.origin, "GET", "requests").json;
  }

  /**
   * Makes requests fail.
   *
   * @throws {Error} if a rule is invalid
   */
  misbehave(...rules: Fault[]): void {
    control(this.origin, "POST", "faults", plain(rules));
  }

  /**
   * Makes a function a model. A model of this name is replaced.
   *
   * @throws {Error} if the name, an option or a schema is invalid
   *
   * @example
   * emulator.model("acme/shout", ({ text }) => text.toUpperCase());
   */
  model(name: string, run: ModelFunction): void;
  model(name: string, options: ModelOptions, run: ModelFunction): void;
  model(name: string, first: ModelOptions | ModelFunction, second?: ModelFunction): void {
    const [options, run] =
      typeof first === "function" && second === undefined ? [{}, first] : [first, second];
    if (typeof options === "function") invalid("`options` must be before the function", "options");
    if (typeof run !== "function") {
      invalid(`\`run\` must be a function, such as (input) => input.text, not ${kindOf(run)}`, "run");
    }
    const checked = checkedOptions(options, MODEL_OPTIONS);
    this.#models.define(name, checked, run);
  }

  /**
   * Adds a model that does the same for every input. A model of this name is replaced.
   *
   * @throws {Error} if the name or an option is invalid, or the options have no output and no error
   */
  script(name: string, options: Script): void {
    const { versions, coldStart, ...script } = checkedOptions(options, SCRIPT_OPTIONS);
    const { output, outputs, fails } = script;
    if (output === undefined && outputs === undefined && fails === undefined) {
      invalid("`output`, `outputs` or `fails` is missing; for no output, pass `output: null`", "output");
    }
    if (output !== undefined && outputs !== undefined) {
      invalid("`output` is the whole output and `outputs` are its items; pass one of them", "outputs");
    }
    if (output !== undefined && fails !== undefined) {
      invalid(
        "`output` has no effect with `fails`; pass `outputs`, which are emitted before the failure",
        "fails",
      );
    }
    const definition = { name, script, versions: versions ?? [], cold_start: coldStart ?? 0 };
    control(this.origin, "POST", "models", definition);
  }

  /**
   * Adds a model that a Cog server runs. A model of this name is replaced. The server must be another process: this one
   * waits for its schema.
   *
   * @param url - URL of the server, such as `http://127.0.0.1:5000`
   * @throws {Error} if the name or the URL is invalid, or the server is not ready
   */
  cog(name: string, url: string): void {
    control(this.origin, "POST", "models", { name, cog: url });
  }

  /** Returns all predictions and trainings, oldest first, as the API returns them. */
  // biome-ignore lint/suspicious/noExplicitAny: inputs and outputs have any type
  predictions(): Record<string, any>[] {
    return control(this.origin, "GET", "predictions").json;
  }

  /** Forgets predictions, files, requests, faults and what clients have created. Models defined here stay. */
  reset(): void {
    control(this.origin, "POST", "reset");
  }

  /** Clock of the emulator. */
  get time(): {
    /** Lets time pass at once: seconds, or text such as `"90s"`, `"1h30m"` or `"2d"`. */
    advance(duration: number | string): void;
  } {
    const origin = this.origin;
    return { advance: (duration) => void control(origin, "POST", "time", { advance: duration }) };
  }

  /**
   * Makes the next requests of an operation fail: its id, such as `predictions.create`, which includes creates by model
   * and by deployment.
   *
   * @throws {Error} if there is no such operation, or an option is invalid
   */
  failNext(operation: string, failure: Failure = {}): void {
    if (typeof operation !== "string") {
      invalid(
        `\`operation\` must be the id of an operation, such as "predictions.create", not ${kindOf(operation)}`,
        "operation",
      );
    }
    const checked = checkedOptions(failure, FAILURE_OPTIONS);
    const { status, times = 1, retryAfter, delay = 0, json, lost = false } = checked;
    if (delay < 0) invalid(`\`delay\` must be 0 or more seconds, not ${delay}`, "delay");
    if (lost && [status, retryAfter, json].some((part) => part !== undefined)) {
      invalid("`lost` sends no response: omit `status`, `retryAfter` and `json`", "lost");
    }
    const body = json === undefined ? { problem: true } : { json };
    const response = { status: status ?? 500, retry_after: retryAfter, ...body };
    const action = lost ? { close_before_reply: true } : response;
    const rule = { match: { operation }, times, action: { delay_ms: Math.round(delay * 1000), ...action } };
    control(this.origin, "POST", "faults", rule);
  }

  /**
   * Asserts that there are predictions of a model, or of any model: `times`, or at least one.
   *
   * @param model - `owner/name` of a model or a deployment, or `owner/name:version`; the same in the other assertions
   * @throws {AssertionError} if there are none, or not as many
   */
  assertCalled(model?: string, options: { times?: number } = {}): void {
    const { times } = checkedOptions(options, { times: "a number" });
    this.#assert({ which: "called", model, times });
  }

  /**
   * Asserts that the last prediction of a model has this input. In it, `ANY` matches any value and a regular expression
   * matches strings; the matchers of Vitest and Jest, such as `expect.any(Number)`, match as they do there.
   *
   * @throws {AssertionError} if it has another input; the message lists the differences
   */
  assertCalledWith(model: string, input: Record<string, unknown>): void {
    this.#assertInput("last", model, input);
  }

  /**
   * Asserts that some prediction of a model has this input, which may have the matchers of `assertCalledWith`.
   *
   * @throws {AssertionError} if none has; the message lists the differences from the closest one
   */
  assertAnyCall(model: string, input: Record<string, unknown>): void {
    this.#assertInput("any", model, input);
  }

  /**
   * Asserts that there is no prediction of a model, or of any model.
   *
   * @throws {AssertionError} if there is one; the message lists the inputs
   * @throws {Error} if there is no such model
   */
  assertNotCalled(model?: string): void {
    this.#assert({ which: "never", model });
  }

  #assertInput(which: "last" | "any", model: string, expected: Record<string, unknown>): void {
    if (kindOf(expected) !== "an object") {
      invalid(`\`input\` must be an object, not ${kindOf(expected)}`, "input");
    }
    const { input, matchers } = filled(expected, undefined);
    if (matchers === 0) {
      this.#assert({ which, model, input });
      return;
    }
    const given: unknown[] = control(this.origin, "POST", "checks", { which: "inputs", model }).json.inputs;
    const inputs = given.map((input) => filled(expected, input));
    const last = inputs.at(-1)?.input ?? input;
    const matching = inputs.filter(({ misses }) => misses === 0);
    if (which === "any" && matching.some(({ input }) => !this.#problem({ which, model, input }))) return;
    this.#assert({ which, model, input: last });
  }

  #assert(expected: Record<string, unknown>): void {
    const problem = this.#problem(expected);
    if (problem === null) return;
    throw assertionError(problem);
  }

  /** Returns how the predictions differ from what is expected, or null. */
  #problem(expected: Record<string, unknown>): string | null {
    return control(this.origin, "POST", "checks", expected).json.problem;
  }

  /** Stops the emulator and closes its connections. */
  close(): void {
    this.#program.stop();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }
}
