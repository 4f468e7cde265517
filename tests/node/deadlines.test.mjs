// Timeouts of runs.
import assert from "node:assert/strict";
import { test } from "node:test";
import { DeadlineError } from "../../node/index.mjs";
import { startEmulator, within } from "./support/emulator.mjs";

const emulator = await startEmulator();
const replicate = emulator.client();

test("a timeout cancels the prediction, which the error contains", async () => {
  await within(2000 + 1200, async () => {
    const from = performance.now();
    await assert.rejects(
      replicate.run("emulator/endless", { input: {}, wait: { mode: "poll" }, timeout: 2000 }),
      (error) => {
        assert.ok(error instanceof DeadlineError);
        assert.match(error.prediction.id, /^\w{26}$/);
        return true;
      },
    );
    const took = performance.now() - from;
    assert.equal(await emulator.latestEnded(), "canceled");
    return took;
  });
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
