// Timeouts of runs.
import assert from "node:assert/strict";
import { test } from "node:test";
import { DeadlineError } from "../../node/index.mjs";
import { startEmulator } from "./support/emulator.mjs";

const emulator = await startEmulator();
const replicate = emulator.client();

test("a timeout cancels the prediction, which the error contains", async () => {
  const from = Date.now();
  await assert.rejects(
    replicate.run("emulator/endless", { input: {}, wait: { mode: "poll" }, timeout: 300 }),
    (error) => {
      assert.ok(error instanceof DeadlineError);
      assert.match(error.prediction.id, /^\w{26}$/);
      return true;
    },
  );
  assert.ok(Date.now() - from < 1500);
  assert.equal(await emulator.latestEnded(), "canceled");
});

test("a timeout before the response to the create says so", async () => {
  await emulator.fault({ match: { method: "POST", path: "/v1/models/*" }, action: { delay_ms: 3000 } });
  await assert.rejects(replicate.run("emulator/echo", { input: { value: 1 }, timeout: 100 }), (error) => {
    assert.ok(error instanceof DeadlineError);
    assert.equal(error.prediction, undefined);
    assert.match(error.message, /timeout of 0\.1 s/);
    assert.match(error.message, /create/);
    return true;
  });
});
