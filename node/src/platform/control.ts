/** The control API of an emulator, with calls that return when the response has arrived. */
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from "node:worker_threads";

const TIMEOUT = 30_000;

/** Sends requests in a thread, because this one waits. */
const PROGRAM = `
const { workerData: { port, signal } } = require("node:worker_threads");
const http = require("node:http");
port.on("message", ({ url, method, body }) => {
  const reply = (message) => {
    port.postMessage(message);
    Atomics.store(signal, 0, 1);
    Atomics.notify(signal, 0);
  };
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
});
`;

let thread: { port: MessagePort; signal: Int32Array } | undefined;

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

/** Response of the control API. */
export interface Answer {
  // biome-ignore lint/suspicious/noExplicitAny: the caller knows the response
  json: any;
  headers: Record<string, string>;
}

/**
 * Sends a control request and waits for the response.
 *
 * @throws {Error} if the emulator refuses the request or does not respond
 */
export function control(origin: string, method: string, path: string, body?: unknown): Answer {
  thread ??= start();
  const { port, signal } = thread;
  Atomics.store(signal, 0, 0);
  port.postMessage({
    url: `${origin}/_emulator/${path}`,
    method,
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  Atomics.wait(signal, 0, 0, TIMEOUT);
  const answer = receiveMessageOnPort(port)?.message;
  if (answer === undefined) throw new Error(`the emulator did not respond to ${method} ${path}`);
  if (answer.error !== undefined) throw new Error(`the emulator does not respond: ${answer.error}`);
  const json = answer.text === "" ? undefined : JSON.parse(answer.text);
  if (answer.status >= 400) throw new Error(json.detail);
  return { json, headers: answer.headers };
}
