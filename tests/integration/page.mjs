// The page of the emulator in Chromium: live, by keyboard, without scripts, and with hostile content. Needs ORIGIN and
// PACKAGES; test_page.py sets them.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";

const SDXL = "7762fd07cf82c948538e41f63f77d685e02b063e37e496e96eefd46c929f9bdc";
const origin = process.env.ORIGIN;
const require = createRequire(join(process.env.PACKAGES, "package.json"));
const load = (name) => import(pathToFileURL(require.resolve(name)));

let browser;
before(async () => {
  const { default: chromium } = await load("@sparticuz/chromium");
  const { launch } = await load("puppeteer-core");
  browser = await launch({
    args: ["--no-sandbox", "--disable-gpu"],
    executablePath: process.env.CHROMIUM ?? (await chromium.executablePath()),
    headless: "shell",
  });
});
after(() => browser?.close());

/** Opens a page, and collects whatever ran or was refused. */
async function open(path, prepare = async () => {}) {
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  page.problems = [];
  page.on("dialog", (dialog) => {
    page.problems.push(dialog.message());
    dialog.dismiss();
  });
  page.on("pageerror", (error) => page.problems.push(error.message));
  page.on("console", (message) => message.type() === "error" && page.problems.push(message.text()));
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(origin) && !url.startsWith("data:")) page.problems.push(url);
  });
  await prepare(page);
  await page.goto(`${origin}${path}`, { waitUntil: "load" });
  return page;
}

async function post(path, body, headers = {}) {
  const response = await fetch(`${origin}${path}`, {
    method: "POST",
    body: JSON.stringify(body),
    headers: { "content-type": "application/json", ...headers },
  });
  const text = await response.text();
  assert.ok(response.ok, text);
  return text && JSON.parse(text);
}

const create = (model, input, options = {}, headers = { prefer: "wait" }) =>
  post(`/v1/models/${model}/predictions`, { input, ...options }, headers);

/** Adds a model whose output is a file, and runs it. */
async function fileOutput(name, type, content) {
  const worker = `worker-${Math.random()}`;
  await post("/_emulator/models", { name, worker });
  const stop = new AbortController();
  const connection = await fetch(`${origin}/_emulator/workers/${worker}`, { signal: stop.signal });
  const lines = connection.body.pipeThrough(new TextDecoderStream())[Symbol.asyncIterator]();
  await lines.next();
  const created = create(name, {});
  const { run } = JSON.parse((await lines.next()).value);
  const saved = await fetch(`${origin}/_emulator/runs/${run.id}/files?name=out`, {
    method: "POST",
    body: content,
    headers: { "content-type": type },
  });
  const { url } = await saved.json();
  await post(`/_emulator/runs/${run.id}/events`, [{ output: url }, "done"]);
  const prediction = await created;
  stop.abort();
  return prediction;
}

const focused = (page) => page.evaluate(() => document.activeElement.id);

test("the list is live and keeps the focus", async () => {
  const first = await create("emulator/echo", { value: 1 });
  const page = await open("/");
  await page.waitForSelector("#live[data-state=on]");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.className), "skip");
  await page.focus(`#link-${first.id}`);
  await page.evaluate((id) => {
    document.getElementById(id).kept = true;
  }, `row-${first.id}`);
  const second = await create("emulator/endless", {}, {}, {});
  await page.waitForSelector(`#row-${second.id} .processing`);
  assert.equal(await focused(page), `link-${first.id}`);
  assert.ok(
    await page.evaluate((id) => document.getElementById(id).kept, `row-${first.id}`),
    "the row is the same",
  );
  await page.waitForFunction(() =>
    document.getElementById("news").textContent.startsWith("emulator/endless processing"),
  );
  await post(`/v1/predictions/${second.id}/cancel`, {});
  await page.waitForSelector(`#row-${second.id} .canceled`);
  await page.keyboard.press("Enter");
  await page.waitForSelector("#output");
  assert.equal(new URL(page.url()).pathname, `/_page/${first.id}`);
  assert.deepEqual(page.problems, []);
});

test("a hidden tab keeps no connection and is up to date when it is shown", async () => {
  const page = await open("/");
  await page.waitForSelector("#live[data-state=on]");
  const setHidden = (hidden) =>
    page.evaluate((hidden) => {
      Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    }, hidden);
  await setHidden(true);
  const { id } = await create("emulator/echo", { value: 1 });
  await new Promise((resolve) => setTimeout(resolve, 600));
  assert.equal(await page.$(`#row-${id}`), null);
  await setHidden(false);
  await page.waitForSelector(`#row-${id} .succeeded`);
  assert.deepEqual(page.problems, []);
});

test("images are shown and sounds can be played", async () => {
  const input = { prompt: "a heron", width: 64, height: 64 };
  const painted = await post("/v1/predictions", { version: SDXL, input }, { prefer: "wait" });
  let page = await open(`/_page/${painted.id}`);
  await page.waitForFunction(() => document.querySelector("#output img")?.naturalWidth === 64);
  const header = Buffer.from(
    "524946462400000057415645666d74201000000001000100401f0000401f00000100080064617461",
    "hex",
  );
  const size = Buffer.alloc(4);
  size.writeUInt32LE(8000);
  const spoken = await fileOutput(
    "acme/voice",
    "audio/wav",
    Buffer.concat([header, size, Buffer.alloc(8000, 128)]),
  );
  page = await open(`/_page/${spoken.id}`);
  await page.waitForFunction(() => document.querySelector("#output audio")?.duration === 1);
  assert.deepEqual(page.problems, []);
});

test("hostile prompts, outputs and logs are text", async () => {
  const hostile = `</pre></main><script>alert(1)</script><img src=x onerror=alert(2)><a href="javascript:alert(3)">x</a>`;
  const name = "acme/hostile";
  await post("/_emulator/models", {
    name,
    script: { outputs: [hostile, "javascript:alert(4)"], logs: hostile, fails: hostile },
  });
  const input = {
    [hostile]: hostile,
    link: "javascript:alert(5)",
    image: `data:image/svg+xml,<svg xmlns="http://www.w3.org/2000/svg" onload="alert(6)"/>`,
  };
  const prediction = await create(name, input);
  for (const path of ["/", `/_page/${prediction.id}`]) {
    const page = await open(path);
    await page.waitForSelector("#live[data-state=on]");
    await create(name, input);
    await page.waitForFunction(
      (text) => document.getElementById("main").textContent.includes(text),
      {},
      "<script>alert(1)</script>",
    );
    const found = await page.$$eval(
      "main script, main a[href^='javascript:'], main img[src=x]",
      (all) => all.length,
    );
    assert.equal(found, 0);
    assert.deepEqual(page.problems, []);
  }
});

test("documents of models run no script", async () => {
  const script = `document.title = "ran"; fetch("/_emulator/reset", { method: "POST" })`;
  const documents = {
    "text/html": `<title>html</title><p>shown</p><script>${script}</script><img src=x onerror='${script}'>`,
    "image/svg+xml": `<svg xmlns="http://www.w3.org/2000/svg"><title>svg</title><script>${script}</script></svg>`,
    "application/xhtml+xml": `<html xmlns="http://www.w3.org/1999/xhtml"><head><title>xhtml</title></head><body><script>${script}</script></body></html>`,
  };
  for (const [type, content] of Object.entries(documents)) {
    const prediction = await fileOutput("acme/document", type, content);
    const page = await open(`/_page/${prediction.id}`);
    const link = await page.$eval("#output figcaption a", (a) => a.href);
    assert.ok(link.startsWith(`${origin}/files/`), link);
    await page.goto(link);
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.notEqual(await page.title(), "ran", type);
    assert.equal((await fetch(`${origin}/v1/predictions/${prediction.id}`)).status, 200, "nothing was reset");
  }
});

test("a webhook is delivered again by keyboard, with and without scripts", async () => {
  let received = 0;
  const server = createServer((request, response) => {
    request.resume().on("end", () => {
      received += 1;
      response.end();
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const webhook = `http://127.0.0.1:${server.address().port}/`;
  const prediction = await create(
    "emulator/echo",
    { value: 1 },
    { webhook, webhook_events_filter: ["completed"] },
  );
  let page = await open(`/_page/${prediction.id}`);
  await page.waitForSelector("#deliveries li");
  const button = await page.$("#deliveries button");
  const id = await page.evaluate((element) => element.id, button);
  await button.focus();
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.querySelectorAll("#deliveries li").length === 2);
  assert.equal(await focused(page), id);
  const news = (attempt) =>
    page.waitForFunction(
      (text) => document.getElementById("news").textContent === text,
      {},
      `succeeded, webhook completed: attempt ${attempt} accepted with 200`,
    );
  await news(2);
  await page.keyboard.press("Enter");
  await news(3);
  assert.deepEqual(page.problems, []);

  page = await open(`/_page/${prediction.id}`, (page) => page.setJavaScriptEnabled(false));
  await page.focus("#deliveries button");
  await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
  assert.equal(page.url(), `${origin}/_page/${prediction.id}#deliveries`);
  assert.match(await page.content(), /succeeded/);
  server.close().closeAllConnections();
  assert.equal(received, 4);
});

test("a narrow window shows everything without scrolling sideways", async () => {
  const long = "x".repeat(300);
  const prediction = await create(
    "emulator/echo",
    { value: `https://files.example/${long}` },
    { webhook: `http://127.0.0.1:1/${long}` },
  );
  const deep = Array.from({ length: 60 }).reduce((inner) => ({ level: inner }), long);
  const nested = await create("emulator/echo", { value: deep });
  const narrow = (page) => page.setViewport({ width: 340, height: 600 });
  for (const path of ["/", `/_page/${prediction.id}`, `/_page/${nested.id}`]) {
    const page = await open(path, narrow);
    for (const width of [340, 700]) {
      await page.setViewport({ width, height: 600 });
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), width, path);
    }
  }
  const page = await open(`/_page/${prediction.id}`, narrow);
  await page.waitForSelector("#deliveries button");
  const right = await page.$eval("#deliveries button", (button) => button.getBoundingClientRect().right);
  assert.ok(right <= 340, `the button ends at ${right}`);
  const { nodes } = await (await page.createCDPSession()).send("Accessibility.getFullAXTree");
  const cells = nodes.filter((node) => !node.ignored && /^(row|.*cell.*)$/i.test(node.role?.value));
  assert.ok(cells.length > 4, "the stacked table is still one");
});

test("logs that are longer than their box are shown from the end and followed", async () => {
  const lines = (from, count) => Array.from({ length: count }, (_, n) => `line ${from + n}\n`).join("");
  const worker = "worker-logs";
  await post("/_emulator/models", { name: "acme/logs", worker });
  const stop = new AbortController();
  const connection = await fetch(`${origin}/_emulator/workers/${worker}`, { signal: stop.signal });
  const runs = connection.body.pipeThrough(new TextDecoderStream())[Symbol.asyncIterator]();
  await runs.next();
  const prediction = await create("acme/logs", {}, {}, {});
  const { run } = JSON.parse((await runs.next()).value);
  const write = (logs) => post(`/_emulator/runs/${run.id}/events`, [{ logs }]);
  await write(lines(0, 200));
  const page = await open(`/_page/${prediction.id}`);
  const atEnd = (last) =>
    page.waitForFunction(
      (last) => {
        const log = document.getElementById("log");
        return log.textContent.includes(last) && log.scrollTop + log.clientHeight >= log.scrollHeight - 2;
      },
      {},
      last,
    );
  await atEnd("line 199");
  await write(lines(200, 50));
  await atEnd("line 249");
  stop.abort();
  assert.deepEqual(page.problems, []);
});

test("a page of another origin delivers nothing", async () => {
  const prediction = await create(
    "emulator/echo",
    { value: 1 },
    { webhook: "http://127.0.0.1:1/", webhook_events_filter: ["completed"] },
  );
  const action = `${origin}/_page/${prediction.id}/deliveries/1`;
  const form = `<form method="post" action="${action}"><button>x</button></form>`;
  const server = createServer((_, response) =>
    response.writeHead(200, { "content-type": "text/html" }).end(form),
  );
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  await page.goto(`http://127.0.0.1:${server.address().port}/`);
  const [response] = await Promise.all([page.waitForNavigation(), page.click("button")]);
  assert.equal(response.status(), 403);
  server.close().closeAllConnections();
});

test("screen readers find landmarks, headings, tables and names", async () => {
  const prediction = await create("emulator/echo", { value: "text" }, { webhook: "http://127.0.0.1:1/" });
  const page = await open(`/_page/${prediction.id}`);
  await page.waitForSelector("#deliveries button");
  const { nodes } = await (await page.createCDPSession()).send("Accessibility.getFullAXTree");
  const named = (role) =>
    nodes.filter((node) => node.role?.value === role).map((node) => node.name?.value ?? "");
  assert.equal(named("main").length, 1);
  assert.equal(named("banner").length, 1);
  assert.deepEqual(named("heading").slice(0, 3), ["emulator/echo", "Input", "Output"]);
  assert.ok(named("status").length === 1 && named("log").includes("Logs"));
  assert.ok(named("region").includes("Webhook deliveries"), "sections have names");
  assert.ok(named("columnheader").includes("Attempts"));
  for (const name of [...named("button"), ...named("link")]) assert.notEqual(name, "");
  assert.ok(named("button").every((name) => /^Deliver again +(output|completed) msg_/.test(name)));
  assert.equal(await page.$eval("html", (html) => html.lang), "en");
});

test("the page has light and dark colors", async () => {
  const page = await open("/");
  const colors = [];
  for (const value of ["light", "dark"]) {
    await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value }]);
    colors.push(await page.$eval("body", (body) => getComputedStyle(body).backgroundColor));
  }
  assert.notEqual(colors[0], colors[1]);
});
