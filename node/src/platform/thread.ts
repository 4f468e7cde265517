/** A thread that sends requests: this one can wait for a response, and tools that intercept its HTTP do not see them. */
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from "node:worker_threads";

const TIMEOUT = 30_000;

const PROGRAM = `
const { workerData: { asked, sent, signal } } = require("node:worker_threads");
const http = require("node:http");
const { createInterface } = require("node:readline");

function exchange({ id, url, method, type, body, follows }, respond) {
  let replied = false;
  const reply = (message) => {
    if (replied) return;
    replied = true;
    respond({ id, ...message });
  };
  const fail = (error) => reply({ error: error.message });
  const headers = { ...(type && { "content-type": type }), connection: "close" };
  const request = http.request(url, { method, headers, agent: false }, (response) => {
    response.on("error", fail);
    const { statusCode: status, headers } = response;
    if (follows && status < 400) {
      reply({ status, headers, body: new Uint8Array() });
      response.on("close", () => sent.postMessage({ id }));
      createInterface({ input: response })
        .on("line", (line) => sent.postMessage({ id, line }))
        .on("error", () => {});
      return;
    }
    const chunks = [];
    response.on("data", (chunk) => chunks.push(chunk));
    response.on("end", () => reply({ status, headers, body: Buffer.concat(chunks) }));
  });
  request.on("error", fail);
  request.end(body);
}

sent.on("message", (message) => exchange(message, (response) => sent.postMessage(response)));
asked.on("message", (message) => {
  exchange(message, (response) => {
    asked.postMessage(response);
    Atomics.store(signal, 0, 1);
    Atomics.notify(signal, 0);
  });
});
`;

/** A request to send. */
interface Message {
  url: string;
  method: string;
  /** Media type of the body. */
  type?: string | undefined;
  body?: Uint8Array | string | undefined;
  /** Whether the lines of the response are passed on as they arrive. */
  follows?: boolean;
}

/** A response, or the error instead of it. */
export interface HttpResponse {
  status: number;
  headers: Record<string, string>;
  body: Uint8Array;
  error?: string;
}

/** A line of a response that is followed; without one, its end. */
type Followed = { line?: string };

interface Thread {
  /** For requests that this thread waits for. */
  asked: MessagePort;
  /** For all others. */
  sent: MessagePort;
  signal: Int32Array;
}

let thread: Thread | undefined;
let last = 0;
/** The callers of what arrives by `sent`, by the id of the request. */
const receivers = new Map<number, (message: HttpResponse & Followed) => void>();
let pending = 0;

function start(): Thread {
  const signal = new Int32Array(new SharedArrayBuffer(4));
  const asking = new MessageChannel();
  const sending = new MessageChannel();
  const ports = { asked: asking.port2, sent: sending.port2 };
  const worker = new Worker(PROGRAM, {
    eval: true,
    execArgv: [],
    workerData: { ...ports, signal },
    transferList: [ports.asked, ports.sent],
  });
  sending.port1.on("message", ({ id, ...message }) => receivers.get(id)?.(message));
  // The thread must not keep the process alive.
  worker.unref();
  asking.port1.unref();
  sending.port1.unref();
  return { asked: asking.port1, sent: sending.port1, signal };
}

/** Sends a request and waits for the response; undefined if there is none. */
export function ask(message: Message, id = ++last): HttpResponse | undefined {
  thread ??= start();
  const { asked, signal } = thread;
  Atomics.store(signal, 0, 0);
  asked.postMessage({ id, ...message });
  while (Atomics.wait(signal, 0, 0, TIMEOUT) !== "timed-out") {
    Atomics.store(signal, 0, 0);
    for (let received = receiveMessageOnPort(asked); received; received = receiveMessageOnPort(asked)) {
      // Skips the late reply to a request that has timed out.
      if (received.message.id === id) return received.message;
    }
  }
  return undefined;
}

/** Sends a request, which keeps the process alive until the response has arrived. */
export function send(message: Message): Promise<HttpResponse> {
  thread ??= start();
  const { sent } = thread;
  const id = ++last;
  return new Promise((resolve, reject) => {
    receivers.set(id, (response) => {
      receivers.delete(id);
      if (--pending === 0) sent.unref();
      if (response.error === undefined) resolve(response);
      else reject(new Error(response.error));
    });
    if (pending++ === 0) sent.ref();
    sent.postMessage({ id, ...message });
  });
}

/**
 * Waits until a response begins, and passes on its lines, and undefined at its end. It does not keep the process alive.
 * Returns undefined if there is none.
 */
export function follow(url: string, receive: (line: string | undefined) => void): HttpResponse | undefined {
  const id = ++last;
  receivers.set(id, ({ line }) => {
    if (line === undefined) receivers.delete(id);
    receive(line);
  });
  const response = ask({ url, method: "GET", follows: true }, id);
  if ((response?.status ?? 500) >= 400) receivers.delete(id);
  return response;
}
