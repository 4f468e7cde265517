/** A thread that does what this one waits for: it sends requests and starts child processes. */
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from "node:worker_threads";

const TIMEOUT = 30_000;

const PROGRAM = `
const { workerData: { port, signal } } = require("node:worker_threads");
const { spawn } = require("node:child_process");
const http = require("node:http");

const children = new Map();

const verbs = {
  request({ url, method, body }, reply) {
    const fail = (error) => reply({ error: error.message });
    const headers = { "content-type": "application/json", connection: "close" };
    const request = http.request(url, { method, headers, agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk) => { text += chunk; });
      response.on("error", fail);
      response.on("end", () => reply({ status: response.statusCode, headers: response.headers, text }));
    });
    request.on("error", fail);
    request.end(body);
  },

  // Replies with the first line that the child prints.
  start({ child: number, file, args }, reply) {
    // Detached from the terminal, where Ctrl-C would end the child before this process.
    const child = spawn(file, args, { stdio: ["pipe", "pipe", "inherit"], detached: true, windowsHide: true });
    children.set(number, child);
    let text = "";
    child.stdin.on("error", () => {});
    child.stdout.setEncoding("utf8").on("data", (chunk) => {
      text += chunk;
      if (text.includes("\\n")) reply({ text });
    });
    child.on("error", (error) => reply({ error: error.message }));
    child.on("close", (code, signal) => {
      children.delete(number);
      reply({ error: file + " ended with " + (signal ?? "code " + code) + " before it listened" });
    });
  },

  stop({ child: number }, reply) {
    const child = children.get(number);
    if (child === undefined) return reply({});
    child.once("close", () => reply({}));
    child.stdin.end();
    setTimeout(() => child.kill("SIGKILL"), 5000).unref();
  },
};

port.on("message", ({ id, verb, ...message }) => {
  let replied = id === undefined;
  verbs[verb](message, (answer) => {
    if (replied) return;
    replied = true;
    port.postMessage({ id, ...answer });
    Atomics.store(signal, 0, 1);
    Atomics.notify(signal, 0);
  });
});
`;

let thread: { port: MessagePort; signal: Int32Array } | undefined;
let asked = 0;

function start() {
  const signal = new Int32Array(new SharedArrayBuffer(4));
  const { port1, port2 } = new MessageChannel();
  const worker = new Worker(PROGRAM, {
    eval: true,
    execArgv: [],
    workerData: { port: port2, signal },
    transferList: [port2],
  });
  // The thread must not keep the process alive.
  worker.unref();
  port1.unref();
  return { port: port1, signal };
}

/** Sends a message to the thread, which does not reply. */
export function tell(verb: string, message: Record<string, unknown>): void {
  thread ??= start();
  thread.port.postMessage({ verb, ...message });
}

/** Sends a message to the thread and waits for the reply; undefined if there is none. */
// biome-ignore lint/suspicious/noExplicitAny: each verb has another reply
export function ask(verb: string, message: Record<string, unknown>): any {
  thread ??= start();
  const { port, signal } = thread;
  const id = ++asked;
  Atomics.store(signal, 0, 0);
  port.postMessage({ id, verb, ...message });
  while (Atomics.wait(signal, 0, 0, TIMEOUT) !== "timed-out") {
    Atomics.store(signal, 0, 0);
    for (let received = receiveMessageOnPort(port); received; received = receiveMessageOnPort(port)) {
      // Skips the late reply to a message that has timed out.
      if (received.message.id === id) return received.message;
    }
  }
  return undefined;
}
