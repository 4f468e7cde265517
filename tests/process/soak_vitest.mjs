// Runs a suite in each pool of vitest, which it installs below target/: `node tests/process/soak_vitest.mjs`.
//
// Each file of the suite makes an emulator that only its client refers to, and leaves a run and a stream behind.
import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const POOLS = ["threads", "forks", "vmThreads"];
const SMALL = process.env.SOAK === "small";
const FILES = SMALL ? 4 : 12;
const ROUNDS = SMALL ? 1 : 3;

const root = fileURLToPath(new URL("../../", import.meta.url));
const folder = join(root, "target/vitest");
const suite = join(folder, "suite");

const file = `
import { expect, test } from "vitest";
import Replicate, { NotFoundError } from "replicant";
import { Emulator } from "replicant/testing";

const client = new Emulator().client();
for (let n = 0; n < 20; n++) {
  test("run " + n, async () => {
    const garbage = Array.from({ length: 1e5 }, (_, index) => ({ index }));
    expect(await client.run("emulator/echo", { input: { value: n } })).toBe(n);
    expect(garbage.length).toBe(1e5);
  });
}
test("stream", async () => {
  let text = "";
  for await (const part of client.stream("emulator/stream", { input: { chunks: ["a", "b"] } }).text()) text += part;
  expect(text).toBe("ab");
});
test("file", async () => {
  const [image] = await client.run("black-forest-labs/flux-schnell", { input: { prompt: "x" } });
  expect((await image.blob()).size).toBeGreaterThan(0);
});
test("errors", async () => {
  await expect(client.predictions.get("nothing")).rejects.toThrow(NotFoundError);
  expect(client).toBeInstanceOf(Replicate);
});
test("leave a run and a stream behind", async () => {
  client.run("emulator/endless", { input: {} }).catch(() => {});
  const events = client.stream("emulator/stream", { input: { chunks: ["a"], pause: 0.01, repeat: 1e6 } });
  expect((await events.next()).done).toBe(false);
});
`;

rmSync(suite, { recursive: true, force: true });
mkdirSync(suite, { recursive: true });
writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, type: "module" }));
const shell = process.platform === "win32";
const install = ["install", "--no-audit", "--no-fund", "--loglevel=error", "vitest@^3"];
if (spawnSync("npm", install, { cwd: folder, stdio: "inherit", shell }).status !== 0) process.exit(1);
const link = join(folder, "node_modules/replicant");
rmSync(link, { recursive: true, force: true });
symlinkSync(root, link, "junction");
for (let n = 0; n < FILES; n++) writeFileSync(join(suite, `suite-${n}.test.js`), file);

let failed = 0;
for (const pool of POOLS) {
  for (let round = 1; round <= ROUNDS; round++) {
    const began = performance.now();
    const vitest = join(folder, "node_modules/vitest/vitest.mjs");
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [vitest, "run", "--pool", pool, "--reporter", "dot"],
      {
        cwd: folder,
        encoding: "utf8",
        timeout: 120_000,
      },
    );
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    const counted = /Tests\s+(.*)/.exec(stdout)?.[1] ?? "no tests ran";
    console.log(`${pool.padEnd(10)} round ${round}  ${counted}  ${seconds} s  exit status ${status}`);
    if (status === 0) continue;
    failed++;
    console.log(stdout, stderr);
  }
}
process.exitCode = failed > 0 ? 1 : 0;
