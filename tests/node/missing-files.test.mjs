// A file stream that fails before it is read is an error of the call, not of the process.
import assert from "node:assert/strict";
import { createReadStream } from "node:fs";
import { test } from "node:test";
import { startEmulator } from "./support/emulator.mjs";

const emulator = await startEmulator();

test("a file that is not there", async () => {
  const replicate = emulator.client();
  for (const call of [
    () => replicate.run("emulator/echo", { input: { image: createReadStream("/no/such/file") } }),
    () => replicate.files.create(createReadStream("/no/such/file")),
  ]) {
    await assert.rejects(call, (error) => {
      assert.equal(error.code, "file_not_found");
      assert.match(error.message, /\/no\/such\/file/);
      return true;
    });
  }
  assert.deepEqual(await emulator.requests("POST"), []);
});
