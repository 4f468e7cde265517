// An emulator per test file: a child process that exits when its stdin closes, so it never outlives the tests.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { after } from "node:test";
import { fileURLToPath } from "node:url";
import Replicate from "../../../node/index.mjs";

const folder = fileURLToPath(new URL("../../../target/debug/", import.meta.url));
const binary = `${folder}replicant-emulator${process.platform === "win32" ? ".exe" : ""}`;

export const TOKEN = "r8_a-token-that-must-not-leak";

/** Starts an emulator for the tests of this file. */
export async function startEmulator(...args) {
  if (!existsSync(binary)) throw new Error(`no emulator: make native (${binary})`);
  const child = spawn(binary, ["--until-stdin-closes", ...args], { stdio: ["pipe", "pipe", "ignore"] });
  const [line] = await once(createInterface({ input: child.stdout }), "line");
  after(async () => {
    child.stdin.end();
    if (child.exitCode === null) await once(child, "exit");
  });
  return new Emulator(JSON.parse(line));
}

class Emulator {
  constructor(addresses) {
    Object.assign(this, addresses);
  }

  /** Returns a client of the emulator. */
  client(options = {}) {
    return new Replicate({ auth: TOKEN, baseUrl: this.base_url, ...options });
  }

  /** Returns the received requests, oldest first, optionally only those that start like `POST /v1/predictions`. */
  async requests(only) {
    const all = await this.#control("GET", "requests");
    return only === undefined ? all : all.filter(({ method, path }) => `${method} ${path}`.startsWith(only));
  }

  async forgetRequests() {
    await this.#control("DELETE", "requests");
  }

  async fault(rule) {
    await this.#control("POST", "faults", rule);
  }

  async clearFaults() {
    await this.#control("DELETE", "faults");
  }

  async state() {
    return this.#control("GET", "state");
  }

  /** Advances the clock. */
  async advance(seconds) {
    await this.#control("POST", "time", { advance: seconds });
  }

  /** Returns all predictions, oldest first. */
  async predictions() {
    return this.#control("GET", "predictions");
  }

  /** Waits until `condition(state)` holds. */
  async until(condition) {
    return eventually(async () => {
      const state = await this.state();
      return condition(state) ? state : undefined;
    });
  }

  /** Waits until the newest prediction has ended, and returns its status. */
  async latestEnded() {
    const client = this.client();
    const running = ["starting", "processing"];
    return eventually(async () => {
      const [latest] = (await client.predictions.list()).results;
      return running.includes(latest.status) ? undefined : latest.status;
    });
  }

  /** Starts a server with scripted responses; see tests/cases/README.md. */
  async replay(exchanges) {
    const response = await fetch(`${this.replay_origin}/_replay`, {
      method: "POST",
      headers: { connection: "close" },
      body: JSON.stringify({ exchanges }),
    });
    if (response.status !== 201) throw new Error(`replay: ${await response.text()}`);
    const run = await response.json();
    return {
      ...run,
      outcome: async () => (await fetch(run.origin, { headers: { connection: "close" } })).json(),
    };
  }

  async #control(method, what, body) {
    // Without keep-alive, so that only the client under test has open connections.
    const response = await fetch(`${this.origin}/_emulator/${what}`, {
      method,
      headers: { connection: "close" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${what}: ${text}`);
    return text === "" ? undefined : JSON.parse(text);
  }
}

/**
 * Calls `attempt` until what it returns, such as milliseconds, is less than `limit`, at most five times. What is slow is so
 * each time; a machine that pauses is not.
 */
export async function within(limit, attempt) {
  const times = [];
  while (times.length < 5) {
    times.push(await attempt());
    if (times.at(-1) < limit) return;
  }
  throw new Error(`${times.join(", ")}: not less than ${limit}`);
}

/** Calls `attempt` until it returns a value, and returns that. */
export async function eventually(attempt, limit = 30_000) {
  const end = Date.now() + limit;
  for (;;) {
    const result = await attempt();
    if (result !== undefined && result !== false) return result;
    if (Date.now() > end) throw new Error(`not within ${limit} ms: ${attempt}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
