// The command-line program of the package: the file that `bin` names.
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { startEmulator, TOKEN } from "./support/emulator.mjs";

const root = fileURLToPath(new URL("../../", import.meta.url));
const { bin } = JSON.parse(readFileSync(`${root}package.json`, "utf8"));
const emulator = await startEmulator();
const env = { ...process.env, REPLICATE_BASE_URL: emulator.base_url, REPLICATE_API_TOKEN: TOKEN };

/** Runs the program. Returns how it ended. */
async function run(args, more = {}) {
  const options = { env: { ...env, ...more }, timeout: 60_000 };
  const ended = promisify(execFile)(process.execPath, [root + bin.replicant, ...args], options);
  const { stdout, stderr, code = 0 } = await ended.catch((error) => error);
  assert.ok(!(stdout + stderr).includes(TOKEN));
  return { stdout, stderr, code };
}

test("it runs models and ends with the exit code", async () => {
  const done = await run(["run", "emulator/stream", "chunks=a", "chunks=é"]);
  assert.deepEqual(done, { stdout: "aé\n", stderr: "", code: 0 });
  const failed = await run(["run", "emulator/fails", "message=boom"]);
  assert.deepEqual(failed, { stdout: "", stderr: "replicant: Prediction failed: boom\n", code: 1 });
  assert.equal((await run(["runn"])).code, 2);
});

test("it starts the emulator of the package", async () => {
  const { stdout, code } = await run(["emulator", "--help"]);
  assert.equal(code, 0);
  assert.match(stdout, /replicant-emulator \[options\]/);
  const missing = await run(["emulator"], { REPLICANT_EMULATOR: "/missing" });
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /^replicant: `REPLICANT_EMULATOR` must be the path of a file/);
});

for (const [signal, code] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
]) {
  test(`${signal} cancels the prediction`, { skip: process.platform === "win32" }, async () => {
    const before = (await emulator.state()).predictions.canceled ?? 0;
    const args = [root + bin.replicant, "run", "emulator/endless"];
    const child = spawn(process.execPath, args, { env, stdio: "ignore" });
    await emulator.until(({ predictions }) => predictions.processing > 0);
    child.kill(signal);
    assert.deepEqual(await once(child, "exit"), [code, null]);
    assert.equal((await emulator.state()).predictions.canceled, before + 1);
  });
}
