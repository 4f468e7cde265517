// Runs a batch with a checkpoint and prints each result as a line of JSON: `map_program.mjs CHECKPOINT ROWS DELAY`.
import Replicate from "replicant";

const [checkpoint, count, delay] = process.argv.slice(2);

function* rows() {
  for (let id = 0; id < Number(count); id++) yield { id, input: { value: id, delay: Number(delay) } };
}

const results = new Replicate().map("emulator/echo", rows(), {
  input: (row) => row.input,
  key: "id",
  concurrency: 8,
  checkpoint,
});
for await (const { key, status, output } of results) console.log(JSON.stringify({ key, status, output }));
