// Retries with a `fetch` of the user.
import assert from "node:assert/strict";
import { once } from "node:events";
import { Agent as HttpAgent } from "node:http";
import { createServer } from "node:net";
import { test } from "node:test";
import nodeFetch3 from "node-fetch";
import nodeFetch2 from "node-fetch-2";
import { Agent, buildConnector, fetch as undiciFetch } from "undici";
import Replicate, { ConnectionError, OutcomeUnknownError } from "../../node/index.mjs";

const prediction = { id: "p", status: "succeeded", output: "done" };

test("retries are sent by `fetch` too", async () => {
  const responses = [
    new Response("{}", { status: 429, headers: { "retry-after": "0" } }),
    new Response("{}", { status: 503 }),
    Response.json({ id: "p", status: "succeeded" }),
  ];
  let calls = 0;
  const client = new Replicate({ auth: "t", fetch: async () => responses[calls++] });
  assert.equal((await client.predictions.get("p")).id, "p");
  assert.equal(calls, 3);
});

test("a failed read is retried, a create without a response is not", async () => {
  let calls = 0;
  const failing = async () => {
    calls++;
    throw new TypeError("fetch failed", { cause: Object.assign(new Error("reset"), { code: "ECONNRESET" }) });
  };
  const client = new Replicate({ auth: "t", fetch: failing, maxRetries: 1 });
  await assert.rejects(client.predictions.get("x"), ConnectionError);
  assert.equal(calls, 2);
  calls = 0;
  await assert.rejects(client.predictions.create({ model: "a/b", input: {} }), (error) => {
    assert.ok(error instanceof OutcomeUnknownError);
    assert.match(error.message, /reset/);
    return true;
  });
  assert.equal(calls, 1);
});

/** Passes each connection to `connected`. */
class WatchedAgent extends HttpAgent {
  constructor(connected, options) {
    super(options);
    this.connected = connected;
  }

  createConnection(...given) {
    const socket = super.createConnection(...given);
    this.connected(socket);
    return socket;
  }
}

/** Returns a `fetch` that passes each connection to `connected`, by name. */
const FETCHES = {
  undici: (connected, options = {}) => {
    const connect = buildConnector(options);
    const dispatcher = new Agent({
      connect: (to, done) =>
        connect(to, (error, socket) => {
          if (socket) connected(socket);
          done(error, socket);
        }),
    });
    return (url, init) => undiciFetch(url, { ...init, dispatcher });
  },
  "node-fetch 2": (...given) => {
    const agent = new WatchedAgent(...given);
    return (url, init) => nodeFetch2(url, { ...init, agent });
  },
  "node-fetch 3": (...given) => {
    const agent = new WatchedAgent(...given);
    return (url, init) => nodeFetch3(url, { ...init, agent });
  },
};

const create = (client) => client.predictions.create({ model: "a/b", input: {} });

for (const [name, fetchOf] of Object.entries(FETCHES)) {
  for (const code of ["EHOSTUNREACH", "ENETUNREACH", "ECONNREFUSED"]) {
    test(`a create whose connection fails with ${code} is not sent again by ${name}`, async (t) => {
      let connection;
      let requests = 0;
      const server = createServer((socket) => {
        socket.on("error", () => {});
        // No test can make the kernel report this, so the connection of the client gets the error that Node makes of it.
        socket.once("data", () => {
          requests++;
          connection.destroy(Object.assign(new Error(`read ${code}`), { code, errno: -1, syscall: "read" }));
        });
      }).listen(0, "127.0.0.1");
      t.after(() => server.close());
      await once(server, "listening");
      const fetch = fetchOf((socket) => {
        connection = socket;
      });
      const baseUrl = `http://127.0.0.1:${server.address().port}/v1`;
      await assert.rejects(create(new Replicate({ auth: "t", baseUrl, fetch })), (error) => {
        assert.ok(error instanceof OutcomeUnknownError, error);
        assert.match(error.message, new RegExp(`read ${code}`));
        return true;
      });
      assert.equal(requests, 1);
    });
  }

  const broadcast = { address: "255.255.255.255", family: 4 };
  const lookup = (_name, { all }, done) =>
    setImmediate(() => (all ? done(null, [broadcast, broadcast]) : done(null, broadcast.address, 4)));
  for (const [host, options] of [
    ["127.0.0.1", {}],
    ["255.255.255.255", {}],
    ["two.example", { lookup, autoSelectFamily: true }],
  ]) {
    test(`a create that cannot connect to ${host} is sent again by ${name}`, async () => {
      const unused = createServer().listen(0, "127.0.0.1");
      await once(unused, "listening");
      const { port } = unused.address();
      unused.close();
      await once(unused, "close");
      const fetch = fetchOf(() => {}, options);
      let calls = 0;
      const client = new Replicate({
        auth: "t",
        baseUrl: `http://${host}:${port}/v1`,
        maxRetries: 1,
        fetch: (...given) => {
          calls++;
          return fetch(...given);
        },
      });
      await assert.rejects(create(client), (error) => {
        assert.ok(error instanceof ConnectionError, error);
        assert.match(error.message, /cannot connect to .*; check `baseUrl`/);
        return true;
      });
      assert.equal(calls, 2);
    });
  }
}

for (const [name, sent, error] of [
  ["Node", true, { cause: { code: "EHOSTUNREACH", syscall: "read" } }],
  ["Node", true, { cause: { code: "ENETUNREACH", syscall: "write" } }],
  ["Node", false, { cause: { code: "ETIMEDOUT", syscall: "connect" } }],
  ["Node", false, { cause: { code: "ENOTFOUND", syscall: "getaddrinfo" } }],
  [
    "Node",
    false,
    {
      cause: new AggregateError(
        [
          { code: "ECONNREFUSED", syscall: "connect" },
          { code: "ENETUNREACH", syscall: "connect" },
        ],
        "both addresses",
      ),
    },
  ],
  [
    "a program that sends two requests",
    true,
    {
      errors: [
        { code: "ECONNREFUSED", syscall: "connect" },
        { code: "ECONNRESET", syscall: "read" },
      ],
    },
  ],
  ["a program", true, { message: "fetch failed, gave up: connect ECONNREFUSED (before: read ECONNRESET)" }],
  ["a program", true, { message: "Unable to connect to the backend: the response failed" }],
  ["node-fetch", true, { message: "request to http://a/ failed, reason: read ECONNRESET" }],
  ["node-fetch", false, { message: "request to http://a/ failed, reason: connect ECONNREFUSED ::1:1" }],
  ["a program", true, { code: "EHOSTUNREACH" }],
  ["a program", false, { code: "ECONNREFUSED" }],
  [
    "Bun",
    true,
    { code: "ECONNRESET", message: "ECONNRESET: The socket connection was closed unexpectedly." },
  ],
  ["Bun", false, { code: "EHOSTUNREACH", message: "EHOSTUNREACH: Unable to connect. Is the computer able?" }],
  ["Bun", false, { code: "ENETUNREACH", message: "ENETUNREACH: Was there a typo in the url or port?" }],
  ["Deno", true, { cause: { message: "Connection reset by peer (os error 104)" } }],
  [
    "Deno",
    false,
    { cause: { message: "error sending request for url (http://a/): client error (Connect): dns" } },
  ],
]) {
  const { code = "", syscall = "", message = "" } = error.cause ?? error;
  test(`a create is ${sent ? "not " : ""}sent again after ${[syscall, message || code].join(" ").trim()} of ${name}`, async () => {
    let calls = 0;
    const fetch = async () => {
      calls++;
      throw Object.assign(new TypeError("fetch failed"), error);
    };
    const created = create(new Replicate({ auth: "t", fetch, maxRetries: 1 }));
    await assert.rejects(created, sent ? OutcomeUnknownError : ConnectionError);
    assert.equal(calls, sent ? 1 : 2);
  });
}

for (const bug of [
  new TypeError("Cannot read properties of undefined (reading 'x')"),
  new ReferenceError("response is not defined"),
  new assert.AssertionError({ message: "wrong URL" }),
]) {
  test(`a ${bug.name} in the function is not retried and is thrown unchanged`, async () => {
    let calls = 0;
    const fetch = async () => {
      calls++;
      throw bug;
    };
    const replicate = new Replicate({ auth: "t", fetch });
    const same = (error) => error === bug;
    await assert.rejects(replicate.predictions.get("p"), same);
    await assert.rejects(replicate.run("a/b", { input: {} }), same);
    await assert.rejects(replicate.stream("a/b", { input: {} }).next(), same);
    assert.equal(calls, 3);
  });
}

test("an exception in json() is not retried", async () => {
  let calls = 0;
  const bug = new TypeError("Cannot read properties of undefined (reading 'x')");
  const json = async () => {
    calls++;
    throw bug;
  };
  const replicate = new Replicate({ auth: "t", fetch: async () => ({ ok: true, json }) });
  await assert.rejects(replicate.predictions.get("p"), (error) => error === bug);
  assert.equal(calls, 1);
});

for (const error of [
  new TypeError("fetch failed"),
  new TypeError("Failed to fetch"),
  new TypeError("terminated", { cause: new Error("other side closed") }),
  new TypeError("error sending request for url (https://api.replicate.com/): connection error"),
  Object.assign(new Error("request to https://api.replicate.com failed"), { name: "FetchError" }),
]) {
  test(`a read is retried after a network error: ${error.message}`, async () => {
    let calls = 0;
    const fetch = async () => {
      if (++calls === 1) throw error;
      return Response.json(prediction);
    };
    const replicate = new Replicate({ auth: "t", fetch });
    assert.equal((await replicate.predictions.get("p")).id, "p");
    assert.equal(calls, 2);
  });
}
