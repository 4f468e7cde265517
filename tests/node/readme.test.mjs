// The JavaScript code of the README files, of docs/operating.md and at the beginning of other guides runs.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Emulator } from "../../node/testing.mjs";

const root = fileURLToPath(new URL("../../", import.meta.url));
// In the package's folder, so that `import "replicant"` resolves to this package.
const folder = mkdtempSync(join(root, "node/dist/readme-"));
const emulator = new Emulator();
after(() => {
  emulator.close();
  rmSync(folder, { recursive: true });
});

/** Joins the code blocks in one module: imports first, and each block after the first in a separate scope. */
function program(text) {
  const blocks = [...text.matchAll(/^```js\n(.*?)^```/gms)].map(([, code]) => code);
  const isImport = (line) => line.startsWith("import ");
  const imports = new Map(
    blocks
      .join("\n")
      .split("\n")
      .filter(isImport)
      .flatMap((line) => {
        const [, ofDefault, named = "", from] = line.match(/^import (\w+)?,? ?(?:\{ (.*) \})? from (.*);$/);
        const all = named.split(", ").map((name) => [name, `{ ${name} }`]);
        return [[ofDefault, ofDefault], ...all]
          .filter(([name]) => name)
          .map(([name, text]) => [name, `import ${text} from ${from};`]);
      }),
  );
  const bodies = blocks.map((block) =>
    block
      .split("\n")
      .filter((line) => !isImport(line))
      .join("\n"),
  );
  return [...imports.values(), bodies[0], ...bodies.slice(1).map((body) => `{\n${body}\n}`)].join("\n");
}

/** Runs a module and returns what it prints. */
async function run(name, code) {
  const path = join(folder, `${name.replaceAll(/[/ ]/g, "-")}.mjs`);
  writeFileSync(path, code);
  const env = { ...process.env, REPLICATE_API_TOKEN: "r8_test", REPLICATE_BASE_URL: emulator.baseUrl };
  const child = spawn(process.execPath, [path], { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  let errors = "";
  child.stdout.on("data", (data) => (output += data));
  child.stderr.on("data", (data) => (errors += data));
  const [status] = await once(child, "close");
  assert.equal(status, 0, errors);
  return output;
}

for (const name of ["README.md", "node/README.md"]) {
  test(`the code of ${name} runs`, async () => {
    const code = program(readFileSync(join(root, name), "utf8"));
    assert.ok(code.split("\n").length > 40);
    const output = await run(name, code.replaceAll("https://example.com", "http://127.0.0.1:9"));
    assert.match(output, /unprocessable 422/);
    assert.ok(statSync(join(folder, "larger.png")).size > 1000);
  });
}

test("the first lines of docs/testing.md and docs/webhooks.md run", async () => {
  const first = (name) => readFileSync(join(root, `docs/${name}.md`), "utf8").match(/^```js\n(.*?)^```/ms)[1];
  assert.equal(await run("testing", first("testing")), "");
  const code = first("webhooks").replace("listen(3000)", 'listen(0, "127.0.0.1")');
  const deliver = `
const log = console.log;
console.log = (...words) => {
  log(...words);
  server.close();
  server.closeAllConnections();
};
server.on("listening", () => replicate.predictions.create({
  model: "emulator/echo",
  input: { value: "hi" },
  webhook: \`http://127.0.0.1:\${server.address().port}/webhook\`,
  webhook_events_filter: ["completed"],
}));`;
  assert.match(await run("webhooks", code + deliver), /^\S+ succeeded hi\n$/);
});

const guide = readFileSync(join(root, "docs/operating.md"), "utf8").split(/^## /m).slice(1);
const PRINTED = {
  Logs: /"msg":"replicant: created prediction"/,
  Hooks: /^200 \S+ \d+\nacme\n\S+ 200 \d+$/m,
  Tracing: /generate_content emulator\/echo/,
  Timeouts: /^a caption$/m,
  "Rate limits": /^60 0 0$/m,
  Handles: /^a caption\na caption$/m,
  Proxies: /^$/,
  Certificates: /^$/,
  "Connection pools": /^acme$/m,
};

for (const [name, printed] of Object.entries(PRINTED)) {
  test(`the code of the section ${name} of docs/operating.md runs`, async () => {
    const section = guide.find((text) => text.startsWith(`${name}\n`));
    const tls = (file) => join(root, "tests/tls", file);
    const code = program(section)
      .replaceAll("acme/captions", "emulator/echo")
      .replaceAll('"acme", "captions"', '"emulator", "echo"')
      .replaceAll('image: "https://example.com/heron.png"', 'value: "a caption"')
      .replaceAll("/etc/ssl/company.pem", tls("authority.pem"))
      .replaceAll("/etc/ssl/me.", tls("client."));
    assert.ok(code.includes("replicant"));
    assert.match(await run(name, code), printed);
  });
}
