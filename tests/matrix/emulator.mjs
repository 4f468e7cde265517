// Runs an emulator for programs in other runtimes: prints its base URL, and stops when its standard input closes. Each
// line of input is a question: "latest" is answered with the status of the newest prediction.
import { createInterface } from "node:readline";
import { Emulator } from "replicant/testing";

const emulator = new Emulator();
const client = emulator.client();
console.log(emulator.baseUrl);
for await (const _ of createInterface({ input: process.stdin })) {
  const [latest] = (await client.predictions.list()).results;
  console.log(latest?.status ?? "none");
}
emulator.close();
