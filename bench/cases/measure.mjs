// Measures one workload in this process, as `measure.py` and `server/src/measure.rs` do.
import { existsSync, readFileSync } from "node:fs";

/** Returns the peak resident memory in bytes. */
function peak() {
  if (!existsSync("/proc/self/status")) return process.resourceUsage().maxRSS * 1024;
  return Number(/^VmHWM:\s*(\d+)/m.exec(readFileSync("/proc/self/status", "utf8"))[1]) * 1024;
}

/** Memory is read after this many rounds: a client that does more rounds has more garbage. */
const EQUAL = Number(process.env.BENCH_EQUAL ?? 1);

let recorded = 0;

/** Records the peak memory for `stop`. Only the first call counts. */
export function recordMemory() {
  recorded ||= peak();
}

/** Measures from its creation to `stop`, which prints the figures. */
export class Clock {
  memory = peak();
  cpu = process.cpuUsage();
  wall = performance.now();

  /** Returns the elapsed seconds. */
  passed() {
    return (performance.now() - this.wall) / 1000;
  }

  stop(items, more = {}) {
    const wall = this.passed();
    const { user, system } = process.cpuUsage(this.cpu);
    const rss = recorded || peak();
    console.log(
      JSON.stringify({ items, wall, cpu: (user + system) / 1e6, rss, grown: peak() - this.memory, ...more }),
    );
  }
}

/** Measures `work`, which returns its number of items, repeatedly after one unmeasured round. */
export async function report(seconds, work) {
  await work();
  const clock = new Clock();
  let items = 0;
  for (let rounds = 0; rounds < EQUAL || clock.passed() < seconds; ) {
    items += await work();
    if (++rounds === EQUAL) recordMemory();
  }
  clock.stop(items);
}

/** Measures one round of `work`. */
export async function once(work) {
  const clock = new Clock();
  clock.stop(await work());
}
