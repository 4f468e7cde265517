// What goes wrong and what to do about it; in CommonJS.
//
// Runs against the emulator, without token or network, which misbehaves on order.
const {
  AuthenticationError,
  OutcomeUnknownError,
  OutputExpiredError,
  PredictionFailedError,
  RateLimitError,
  UnprocessableEntityError,
} = require("replicant");
const { Emulator } = require("replicant/testing");

async function main() {
  const emulator = new Emulator({ token: "r8_example" });
  const replicate = emulator.client({ maxRetries: 1 });

  // An input that the model does not take: which field, and why.
  try {
    await replicate.run("black-forest-labs/flux-schnell", { input: { prompt: 5 } });
  } catch (error) {
    if (!(error instanceof UnprocessableEntityError)) throw error;
    for (const { field, description } of error.invalidFields ?? []) console.log(`${field}: ${description}`);
  }

  // A model that fails: its logs are there.
  try {
    await replicate.run("emulator/fails", { input: { message: "out of memory" } });
  } catch (error) {
    if (!(error instanceof PredictionFailedError)) throw error;
    console.log(`${error.message.split("\n")[0]} (${error.logs?.length} characters of logs)`);
  }

  // A token that is refused.
  await emulator
    .client({ auth: "r8_wrong" })
    .accounts.current()
    .catch((error) => console.log(`${error.code}: ${error instanceof AuthenticationError}`));

  // Too many requests: waited for as the API asks, as often as `maxRetries` says, then told.
  const busy = { status: 429, json: { detail: "Slow down.", retry_after: 0 } };
  emulator.misbehave({ match: { path: "/v1/account" }, times: 2, action: busy });
  await replicate.accounts
    .current()
    .catch((error) => console.log(`${error.code}: ${error instanceof RateLimitError}`));

  // A create whose answer is lost: it may have been made, so it is not made twice.
  emulator.misbehave({ match: { method: "POST" }, times: 1, action: { close_before_reply: true } });
  await replicate
    .run("emulator/echo", { input: { value: 1 } })
    .catch((error) => console.log(`${error.code}: ${error instanceof OutcomeUnknownError}`));

  // A file that is gone, an hour after its prediction.
  /** @type {[import("replicant").FileOutput]} */
  const [picture] = await replicate.run("black-forest-labs/flux-schnell", { input: { prompt: "x" } });
  emulator.misbehave({ match: { path: picture.url().pathname }, times: 1, action: { status: 404 } });
  await picture
    .blob()
    .catch((error) => console.log(`${error.code}: ${error instanceof OutputExpiredError}`));

  // A `fetch` of your own sees every request, and the retries stay.
  let requests = 0;
  const traced = emulator.client({
    fetch: (url, init) => {
      requests++;
      return fetch(url, { ...init, headers: { ...init?.headers, "x-trace": "example" } });
    },
  });
  await traced.models.get("emulator", "echo");
  console.log(`requests traced: ${requests}`);

  emulator.close();
}

main();
