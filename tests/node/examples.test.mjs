// The examples run without a token and print what they should.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));
// In the package's folder, so that `import "replicant"` resolves to this package.
const compiled = mkdtempSync(join(root, "node/dist/examples-"));
after(() => rmSync(compiled, { recursive: true }));

async function run(path) {
  const { REPLICATE_API_TOKEN: _, ...env } = process.env;
  const child = spawn(process.execPath, [path], { cwd: root, env, stdio: ["ignore", "pipe", "pipe"] });
  const stop = setTimeout(() => child.kill("SIGKILL"), 60_000);
  let output = "";
  let errors = "";
  child.stdout.on("data", (data) => (output += data));
  child.stderr.on("data", (data) => (errors += data));
  const [code] = await once(child, "close");
  clearTimeout(stop);
  assert.equal(code, 0, errors || output);
  assert.equal(errors.replace(/.*ExperimentalWarning.*\n.*trace-warnings.*\n/g, ""), "");
  return output;
}

test("files.mjs runs", async () => {
  const output = await run("examples/files.mjs");
  assert.match(output, /saved harbor\.png: \d{4,} bytes\nsaved 3 pictures\n/);
  assert.equal(output.match(/: image\/png$/gm).length, 6);
  assert.match(output, /uploaded input\.image\nas a response: \d{4,} bytes/);
});

test("lifecycle.mjs runs", async () => {
  const output = await run("examples/lifecycle.mjs");
  assert.match(output, /succeeded 100 %\nstopped: the user left\ntimed out: its prediction is known\n/);
  assert.match(output, /succeeded: 7\n\{ succeeded: 2, canceled: 3 \}/);
});

test("batch.mjs runs", async () => {
  const output = await run("examples/batch.mjs");
  assert.match(output, /^interrupted after 3 rows\n/);
  // A row that ended while the batch was interrupted has its result too.
  const [, resumed] = output.match(/^8 rows, (\d) of them from the checkpoint, 0 failed\n8 pictures$/m);
  assert.ok(resumed >= 3, output);
  assert.equal(output.match(/^\w+: from the checkpoint$/gm).length, Number(resumed));
  assert.equal(output.match(/^\w+: (saved|from the checkpoint)$/gm).length, 8);
});

test("server.mjs runs", async () => {
  const output = await run("examples/server.mjs");
  assert.match(output, /streamed: \w.*\nby webhook: succeeded, \w.*\na forged webhook: 400/);
});

test("the application of Express passes its own tests", async () => {
  const output = await run("examples/express/app.test.mjs");
  // Below `node --test`, the output is binary.
  assert.match(output, /pass 6\b/);
});

test("errors.cjs runs", async () => {
  assert.match(
    await run("examples/errors.cjs"),
    /^input\.prompt: .*\nPrediction failed: out of memory .*\nauthentication: true\nrate_limited: true\noutcome_unknown: true\noutput_expired: true\nrequests traced: 1\n$/,
  );
});

test("manage.mts runs", async () => {
  const options = ["--module", "nodenext", "--target", "es2022", "--skipLibCheck", "--types", "node"];
  const lib = ["--lib", "es2023,dom,dom.iterable,dom.asynciterable,esnext.disposable"];
  const compiler = join(root, "node_modules/typescript/bin/tsc");
  const given = [
    "--ignoreConfig",
    "--rootDir",
    "examples",
    ...options,
    ...lib,
    "--outDir",
    compiled,
    "examples/manage.mts",
  ];
  execFileSync(process.execPath, [compiler, ...given], {
    cwd: root,
    stdio: ["ignore", "inherit", "inherit"],
  });
  const output = await run(join(compiled, "manage.mjs"));
  assert.match(
    output,
    /sdxl takes true\nan image of image\/\w+\nharbors: release 2\nit made 1 picture\ndeleted: true\n/,
  );
  assert.match(output, /training: canceled\ntrue models on a page\n$/);
});
