// The package in CommonJS. Compiled, not run.
import Replicate = require("replicant");

const replicate: Replicate = new Replicate({ auth: "token" });
const same: typeof Replicate = Replicate.default;
const error: typeof Error = Replicate.ApiError as unknown as typeof Error;

async function main(prediction: Replicate.Prediction): Promise<Replicate.FileOutput[]> {
  const page: Replicate.Page<Replicate.Model> = await replicate.models.list();
  const options: Replicate.RunOptions = { input: {} };
  void [page, prediction];
  return replicate.run<Replicate.FileOutput[]>("owner/name", options);
}

void [same, error, main, Replicate.validateWebhook, Replicate.parseProgressFromLogs];
