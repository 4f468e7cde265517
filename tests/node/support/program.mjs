// Programs in separate processes.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { after } from "node:test";
import { fileURLToPath } from "node:url";
import { TOKEN } from "./emulator.mjs";

const entry = fileURLToPath(new URL("../../../node/index.cjs", import.meta.url));

/** Returns code that defines `Replicate` and `replicate`, a client of `baseUrl` with more options. */
export function prelude(baseUrl, options = {}) {
  const all = JSON.stringify({ auth: TOKEN, baseUrl, ...options });
  return `
    const Replicate = require(${JSON.stringify(entry)});
    const replicate = new Replicate(${all});
  `;
}

/** A running program. It is killed at the end of the tests. */
export class Program {
  output = "";
  errors = "";

  constructor(code, flags = []) {
    this.child = spawn(process.execPath, [...flags, "-e", code], { stdio: ["ignore", "pipe", "pipe"] });
    this.child.stdout.on("data", (data) => {
      this.output += data;
    });
    this.child.stderr.on("data", (data) => {
      this.errors += data;
    });
    this.ended = once(this.child, "close").then(([code, signal]) => ({ code, signal }));
    after(() => this.child.kill("SIGKILL"));
  }

  /** Waits until the program has printed `text`. */
  async printed(text) {
    while (!this.output.includes(text)) {
      const more = once(this.child.stdout, "data").then(() => true);
      if ((await Promise.race([more, this.ended])) !== true && !this.output.includes(text)) {
        throw new Error(`it ended without printing ${text}: ${this.output}${this.errors}`);
      }
    }
  }

  kill(signal) {
    this.killed = performance.now();
    this.child.kill(signal);
  }

  /** Returns how it ended, and after how many milliseconds since the last `kill`. */
  async end() {
    const { code, signal } = await this.ended;
    return { code, signal, took: performance.now() - this.killed };
  }
}

/** Starts a server that accepts connections and never responds. Returns its URL. */
export async function silentServer() {
  const sockets = new Set();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.resume();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return `http://127.0.0.1:${server.address().port}/v1`;
}
