// A Worker with programs that tests/web/faults.test.mjs calls: /<program>, with the options of the client as JSON.
import Replicate from "../../node/web/workerd.mjs";

/** A client that outlives the request that made it. */
let shared;

const atTheTop = new Replicate({ auth: "r8_test" }).predictions.get("p1").catch(({ name, message }) => ({ name, message }));

const long = { input: { chunks: ["a"], pause: 0.01, repeat: 10_000 } };

const programs = {
  /** Runs, streams and fails once, and returns what went wrong. */
  async mixed(replicate, { n }) {
    const echo = replicate.run("emulator/echo", { input: { value: n } });
    const missing = replicate.predictions.get(`missing-${n}`).catch((error) => error.code);
    let text = "";
    for await (const event of replicate.stream("emulator/stream", { input: { chunks: [`${n},`], repeat: 20 } })) {
      text += event;
    }
    const results = [await echo, await missing, text];
    return { right: JSON.stringify(results) === JSON.stringify([n, "not_found", `${n},`.repeat(20)]), results };
  },

  async run(replicate, { ms }) {
    const signal = AbortSignal.timeout(ms);
    // The shortest hold: only the response contains the id to cancel.
    const wait = { mode: "block", timeout: 1 };
    return replicate.run("emulator/endless", { input: {}, wait, signal });
  },

  async read(replicate, { url, ms }) {
    const bytes = await replicate.predictions.calls.file(url).bytes({ signal: AbortSignal.timeout(ms) });
    return bytes.length;
  },

  async stream(replicate, { ms }) {
    const signal = AbortSignal.timeout(ms);
    for await (const _ of replicate.stream("emulator/stream", { ...long, signal }));
  },

  /** Uploads the body of a response, and what is left of one; then one that was read. */
  async upload(replicate, { url }) {
    const body = async () => (await fetch(url)).body;
    const whole = await replicate.files.create(await body());
    const started = await body();
    const reader = started.getReader();
    const { value } = await reader.read();
    reader.releaseLock();
    const rest = await replicate.files.create(started);
    const read = await body();
    for await (const _ of read);
    const refused = await replicate.files.create(read).catch(({ name, argument }) => ({ name, argument }));
    return { whole: whole.size, parts: value.length + rest.size, refused };
  },

  /** Streams text to the client of this Worker. */
  relay(replicate) {
    const text = replicate.stream("emulator/stream", long).text();
    const encoder = new TextEncoder();
    const body = new ReadableStream({
      async pull(controller) {
        const { done, value } = await text.next();
        if (done) controller.close();
        else controller.enqueue(encoder.encode(value));
      },
      async cancel() {
        await text.return();
      },
    });
    return new Response(body);
  },

  /** Responds while a call is running, which the runtime then ends. */
  leave(replicate) {
    shared ??= replicate;
    shared.run("emulator/endless", { input: {} }).catch(() => {});
    return new Promise((resolve) => setTimeout(() => resolve({}), 30));
  },

  async afterwards(replicate, { n }) {
    shared ??= replicate;
    return programs.mixed(shared, { n });
  },

  /** Runs with a client that all requests share. */
  async together(replicate, { n }) {
    shared ??= replicate;
    const input = { value: n, delay: n % 4 ? 4 : 0 };
    return { right: (await shared.run("emulator/echo", { input, wait: { mode: "poll" } })) === n };
  },

  /** Aborts a run of a client that all requests share. */
  async abortTogether(replicate, { ms }) {
    shared ??= replicate;
    return programs.run(shared, { ms });
  },

  async unwrap(replicate, { body, headers }) {
    shared ??= replicate;
    return (await shared.webhooks.unwrap(body, headers)).id;
  },

  /** Responds while the secret of a webhook is fetched. */
  leaveUnwrap(replicate, params) {
    programs.unwrap(replicate, params).catch(() => {});
    return new Promise((resolve) => setTimeout(() => resolve({}), 30));
  },

  /** What a call at the top of the module is rejected with. */
  atTheTop: () => atTheTop,

  async collect() {
    globalThis.gc();
  },

  async many(replicate, { events }) {
    let count = 0;
    const input = { chunks: ["0123456789"], repeat: events };
    for await (const event of replicate.stream("emulator/stream", { input })) if (event.event === "output") count++;
    return count;
  },
};

export default {
  async fetch(request, _, ctx) {
    const name = new URL(request.url).pathname.slice(1);
    const { client, ...params } = await request.json();
    const waitUntil = params.waits ? undefined : (promise) => ctx.waitUntil(promise);
    const replicate = new Replicate({ ...client, waitUntil });
    try {
      const result = await programs[name](replicate, params);
      return result instanceof Response ? result : Response.json({ result });
    } catch (error) {
      const { name, code, message } = error;
      return Response.json({ name, code, message, stack: error.stack });
    }
  },
};
