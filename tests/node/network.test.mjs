// Connections: HTTP/2 and its absence.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createSecureServer } from "node:http2";
import { connect, createServer } from "node:net";
import { Readable } from "node:stream";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import Replicate from "../../node/index.mjs";
import { within } from "./support/emulator.mjs";

const tls = new URL("../tls/", import.meta.url);
const caBundle = fileURLToPath(new URL("authority.pem", tls));

/** Starts a server for both protocols that counts its connections. */
async function start() {
  const seen = { sockets: 0, versions: new Set() };
  const server = createSecureServer(
    {
      cert: readFileSync(new URL("server.pem", tls)),
      key: readFileSync(new URL("server.key", tls)),
      allowHTTP1: true,
    },
    (request, response) => {
      seen.versions.add(request.httpVersion);
      response.setHeader("content-type", "application/json");
      setTimeout(() => response.end(JSON.stringify({ type: "user", username: "acme" })), 20);
    },
  );
  server.on("secureConnection", () => seen.sockets++);
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  after(() => server.close());
  return { baseUrl: `https://localhost:${server.address().port}`, seen };
}

const burst = (replicate, count) =>
  Promise.all(Array.from({ length: count }, () => replicate.accounts.current()));

test("a burst to a new host shares one connection over HTTP/2", async () => {
  const { baseUrl, seen } = await start();
  const replicate = new Replicate({ auth: "x", baseUrl, caBundle });
  for (const { username } of await burst(replicate, 200)) assert.equal(username, "acme");
  assert.deepEqual([...seen.versions], ["2.0"]);
  assert.equal(seen.sockets, 1);
});

test("a connection over HTTP/2 that no longer delivers anything is replaced", async () => {
  const { baseUrl, seen } = await start();
  const relays = [];
  const relay = createServer((client) => {
    const server = connect(new URL(baseUrl).port, "127.0.0.1");
    for (const socket of [client, server]) socket.on("error", () => {});
    client.pipe(server).pipe(client);
    relays.push({ client, server });
  });
  await new Promise((resolve) => relay.listen(0, "127.0.0.1", resolve));
  after(() => {
    relay.close();
    for (const { client, server } of relays) client.destroy(server.destroy());
  });
  const replicate = new Replicate({
    auth: "x",
    baseUrl: `https://localhost:${relay.address().port}`,
    caBundle,
    timeout: 55_000,
  });
  await replicate.accounts.current();
  // Its kernel still acknowledges what arrives.
  for (const { client, server } of relays) client.unpipe(server).resume();
  const [one, other] = await Promise.all([replicate.accounts.current(), replicate.accounts.current()]);
  assert.deepEqual([one.username, other.username], ["acme", "acme"]);
  assert.deepEqual([...seen.versions], ["2.0"]);
  assert.equal(relays.length, 2);
});

test("files that are not being read do not hold up other requests over HTTP/2", async () => {
  const server = createSecureServer(
    { cert: readFileSync(new URL("server.pem", tls)), key: readFileSync(new URL("server.key", tls)) },
    (request, response) => {
      request.resume();
      response.on("error", () => {});
      if (request.url.startsWith("/file")) {
        let rest = 8 << 20;
        const read = (size) => {
          file.push(rest > 0 ? Buffer.alloc(size) : null);
          rest -= size;
        };
        const file = new Readable({ read });
        return file.pipe(response);
      }
      const output = [1, 2, 3, 4].map((number) => `https://${request.authority}/file${number}`);
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ id: "p1", status: "succeeded", output, username: "acme" }));
    },
  );
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  after(() => server.close());
  const baseUrl = `https://localhost:${server.address().port}`;
  const replicate = new Replicate({ auth: "x", baseUrl, caBundle, timeout: 20_000, maxRetries: 0 });
  const files = await replicate.run("acme/files", { input: {} });
  const readers = files.map((file) => file[Symbol.asyncIterator]());
  for (const reader of readers) assert.ok(!(await reader.next()).done);
  // The server sends what the windows allow.
  await sleep(500);
  assert.equal((await replicate.accounts.current()).username, "acme");
  let bytes = 0;
  for await (const chunk of readers.pop()) bytes += chunk.length;
  assert.ok(bytes > 7 << 20, `${bytes}`);
  for (const reader of readers) await reader.return();
});

test("`http2: false` uses HTTP/1.1", async () => {
  const url = new URL("authority.pem", tls);
  // Counted at best, because a pause of the machine can end connections.
  await within(4 + 1, async () => {
    const { baseUrl, seen } = await start();
    const replicate = new Replicate({ auth: "x", baseUrl, caBundle: url, http2: false, maxConnections: 4 });
    await burst(replicate, 20);
    assert.deepEqual([...seen.versions], ["1.1"]);
    return seen.sockets;
  });
});

test("a host that cannot be reached does not hold back the requests", async () => {
  const replicate = new Replicate({ auth: "x", baseUrl: "https://127.0.0.1:9", maxRetries: 0 });
  const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => replicate.accounts.current()));
  for (const { reason } of outcomes) assert.equal(reason.code, "connection");
});

test("a client certificate can have an encrypted key", async () => {
  const file = (name) => fileURLToPath(new URL(name, tls));
  const server = createSecureServer(
    {
      cert: readFileSync(new URL("server.pem", tls)),
      key: readFileSync(new URL("server.key", tls)),
      ca: readFileSync(new URL("authority.pem", tls)),
      allowHTTP1: true,
      requestCert: true,
    },
    (request, response) => {
      response.setHeader("content-type", "application/json");
      response.end(
        JSON.stringify({ type: "user", username: request.socket.getPeerCertificate().subject.CN }),
      );
    },
  );
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  after(() => server.close());
  const options = {
    auth: "x",
    baseUrl: `https://localhost:${server.address().port}`,
    caBundle,
    maxRetries: 0,
  };
  for (const certificate of [
    { clientCert: file("client-of-pkcs12.pem"), clientKeyPassword: "secret" },
    { clientCert: file("client.pem"), clientKey: file("client-encrypted.key"), clientKeyPassword: "secret" },
  ]) {
    const replicate = new Replicate({ ...options, ...certificate });
    assert.equal((await replicate.accounts.current()).username, "client");
  }
  assert.throws(() => new Replicate({ ...options, clientCert: file("client-of-pkcs12.pem") }), {
    argument: "clientCert",
    message: /`clientCert`: .*client-of-pkcs12\.pem is encrypted; pass its password as `clientKeyPassword`/,
  });
  const other = new Replicate({ ...options, caBundle: undefined });
  await assert.rejects(other.accounts.current(), { message: /`caBundle`/ });
});
