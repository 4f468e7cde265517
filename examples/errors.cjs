// Errors and what to do about them, in CommonJS.
//
// Runs against the emulator with injected faults, without a token or a network.
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

  // An invalid input: the error names the field and the reason.
  try {
    await replicate.run("black-forest-labs/flux-schnell", { input: { prompt: 5 } });
  } catch (error) {
    if (!(error instanceof UnprocessableEntityError)) throw error;
    for (const { field, description } of error.invalidFields ?? []) console.log(`${field}: ${description}`);
  }

  // A failed model: the error has its logs.
  try {
    await replicate.run("emulator/fails", { input: { message: "out of memory" } });
  } catch (error) {
    if (!(error instanceof PredictionFailedError)) throw error;
    console.log(`${error.message.split("\n")[0]} (${error.logs?.length} characters of logs)`);
  }

  // A wrong token.
  await emulator
    .client({ auth: "r8_wrong" })
    .accounts.current()
    .catch((error) => console.log(`${error.code}: ${error instanceof AuthenticationError}`));

  // Too many requests: they wait for their turn. An error says that the API asks to wait for more than a minute.
  emulator.failNext("account.get", { status: 429, retryAfter: 3600 });
  await replicate.accounts
    .current()
    .catch((error) => console.log(`${error.code}: ${error instanceof RateLimitError}`));

  // A create whose response is lost: the prediction may exist, so the create is not retried.
  emulator.failNext("predictions.create", { lost: true });
  await replicate
    .run("emulator/echo", { input: { value: 1 } })
    .catch((error) => console.log(`${error.code}: ${error instanceof OutcomeUnknownError}`));

  // A file that has expired: files are kept for an hour.
  /** @type {[import("replicant").FileOutput]} */
  const [picture] = await replicate.run("black-forest-labs/flux-schnell", { input: { prompt: "x" } });
  emulator.misbehave({ match: { path: picture.url().pathname }, times: 1, action: { status: 404 } });
  await picture
    .blob()
    .catch((error) => console.log(`${error.code}: ${error instanceof OutputExpiredError}`));

  // A custom `fetch` carries every request. Retries still apply.
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
