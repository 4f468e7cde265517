// The workloads of the clients on the web, without anything of Node: Workers run them too.

const input = { prompt: "a heron at dawn, oil on canvas" };
const version = "0".repeat(64);
const CONCURRENT = 64;
const KEY = "0123456789abcdef01234567";

function assert(truth) {
  if (!truth) throw new Error("unexpected result");
}

/** Returns a client's `create`: that of `fetch` is what a program without a client would write. */
function createOf({ name, Replicate }, origin) {
  if (name !== "fetch") {
    const replicate = new Replicate({ auth: "r8_bench", baseUrl: `${origin}/v1` });
    return () => replicate.predictions.create({ version, input });
  }
  const headers = { authorization: "Bearer r8_bench", "content-type": "application/json" };
  return async () => {
    const body = JSON.stringify({ version, input });
    const response = await fetch(`${origin}/v1/predictions`, { method: "POST", headers, body });
    return response.json();
  };
}

/** Returns a webhook that is signed now. */
async function webhook() {
  const [begin, end] = ['{"id":"p1","status":"succeeded","output":"', '"}'];
  const body = begin + "x".repeat(1024 - begin.length - end.length) + end;
  const timestamp = String(Math.floor(Date.now() / 1000));
  const encoder = new TextEncoder();
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", encoder.encode(KEY), algorithm, false, ["sign"]);
  const digest = await crypto.subtle.sign("HMAC", key, encoder.encode(`msg_1.${timestamp}.${body}`));
  const signature = `v1,${btoa(String.fromCharCode(...new Uint8Array(digest)))}`;
  return { id: "msg_1", timestamp, signature, body, secret: `whsec_${btoa(KEY)}` };
}

/** One round per workload. Each returns its number of items. */
const WORKLOADS = {
  async create_1(client, origin) {
    const create = createOf(client, origin);
    for (let n = 0; n < 64; n++) assert((await create()).id === "p1");
    return 64;
  },
  async create_64(client, origin) {
    const create = createOf(client, origin);
    const caller = async () => {
      for (let n = 0; n < 8; n++) assert((await create()).id === "p1");
    };
    await Promise.all(Array.from({ length: CONCURRENT }, caller));
    return CONCURRENT * 8;
  },
  async stream(client, origin) {
    const replicate = new client.Replicate({ auth: "r8_bench", baseUrl: `${origin}/v1` });
    // The official client reads 4,000 events a second.
    const enough = client.name === "replicate" ? 4000 : Number.POSITIVE_INFINITY;
    let events = 0;
    for await (const event of replicate.stream("bench/stream", { input })) {
      events += event.data ? 1 : 0;
      if (events >= enough) break;
    }
    return events;
  },
  async webhook(client) {
    const signed = await webhook();
    for (let n = 0; n < 512; n++) assert(await client.validateWebhook(signed));
    return 512;
  },
};

/** Runs one round of a workload with `client`: its `name`, `Replicate` and `validateWebhook`. */
export function round(client, workload, origin) {
  return WORKLOADS[workload](client, origin);
}

/** Returns a Worker that runs one round per request: `/?workload=create_1&origin=http://...`. */
export function worker(client) {
  return {
    async fetch(request) {
      const { searchParams } = new URL(request.url);
      try {
        return Response.json(await round(client, searchParams.get("workload"), searchParams.get("origin")));
      } catch (error) {
        return new Response(String(error?.stack ?? error), { status: 500 });
      }
    },
  };
}
