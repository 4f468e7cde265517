const assert = require("node:assert/strict");
const Replicate = require("replicant");
const { Emulator } = require("replicant/testing");

(async () => {
  assert.equal((await import("replicant")).default, Replicate);
  const { steps } = await import("./steps.mjs");
  console.log(await steps(Replicate, Emulator));
})();
