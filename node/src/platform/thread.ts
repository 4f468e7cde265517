/** A thread that does what this one waits for: it sends requests. */
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from "node:worker_threads";

const TIMEOUT = 30_000;

const PROGRAM = `
const { workerData: { port, signal } } = require("node:worker_threads");
const http = require("node:http");

port.on("message", ({ id, url, method, body }) => {
  let replied = false;
  const reply = (answer) => {
    if (replied) return;
    replied = true;
    port.postMessage({ id, ...answer });
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

/** A request to send. */
interface Message {
  url: string;
  method: string;
  body: string | undefined;
}

/** Sends a request and waits for the response; undefined if there is none. */
// biome-ignore lint/suspicious/noExplicitAny: the caller knows the response
export function ask(message: Message): any {
  thread ??= start();
  const { port, signal } = thread;
  const id = ++asked;
  Atomics.store(signal, 0, 0);
  port.postMessage({ id, ...message });
  while (Atomics.wait(signal, 0, 0, TIMEOUT) !== "timed-out") {
    Atomics.store(signal, 0, 0);
    for (let received = receiveMessageOnPort(port); received; received = receiveMessageOnPort(port)) {
      // Skips the late reply to a request that has timed out.
      if (received.message.id === id) return received.message;
    }
  }
  return undefined;
}
