// Rows and ends of batches, for the tests of `map`.
export const ECHO = "emulator/echo";

export const numbers = (count) => Array.from({ length: count }, (_, value) => ({ value }));

/** A row that ends at once, followed by rows that do not. */
export const endless = (count) =>
  numbers(count).map(({ value }) => ({ value, delay: value === 0 ? 0 : 600 }));

export async function collect(items) {
  const all = [];
  for await (const item of items) all.push(item);
  return all;
}

/** Waits until nothing runs, and returns how many predictions have each status. */
export async function settled(emulator) {
  const over = ({ predictions }) => !predictions.starting && !predictions.processing;
  return (await emulator.until(over)).predictions;
}

/** Returns how many more predictions of each status there are when all that `work` started has ended. */
export async function ends(emulator, work) {
  const before = (await emulator.state()).predictions;
  await work();
  const grown = Object.entries(await settled(emulator)).map(([status, count]) => [
    status,
    count - (before[status] ?? 0),
  ]);
  return Object.fromEntries(grown.filter(([, count]) => count > 0));
}
