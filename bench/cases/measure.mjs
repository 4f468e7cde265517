// Measuring one work in a process of its own; `measure.py` and `server/src/measure.rs` do the same.
import { existsSync, readFileSync } from "node:fs";

/** The most memory that was resident, in bytes. */
function peak() {
  if (!existsSync("/proc/self/status")) return process.resourceUsage().maxRSS * 1024;
  return Number(/^VmHWM:\s*(\d+)/m.exec(readFileSync("/proc/self/status", "utf8"))[1]) * 1024;
}

/** Memory is read after this many rounds of work: a client that does more of them in its time holds more garbage. */
const EQUAL = Number(process.env.BENCH_EQUAL ?? 1);

let noted = 0;

/** Notes the memory as it is, for `stop`, the first time. */
export function noteMemory() {
  noted ||= peak();
}

/** What has passed since it was made, printed by `stop`. */
export class Clock {
  memory = peak();
  cpu = process.cpuUsage();
  wall = performance.now();

  /** In seconds. */
  passed() {
    return (performance.now() - this.wall) / 1000;
  }

  stop(items, more = {}) {
    const wall = this.passed();
    const { user, system } = process.cpuUsage(this.cpu);
    const rss = noted || peak();
    console.log(
      JSON.stringify({ items, wall, cpu: (user + system) / 1e6, rss, grown: peak() - this.memory, ...more }),
    );
  }
}

/** Repeats `work`, which gives how many items it did, after a first time that does not count. */
export async function report(seconds, work) {
  await work();
  const clock = new Clock();
  let items = 0;
  for (let rounds = 0; rounds < EQUAL || clock.passed() < seconds; ) {
    items += await work();
    if (++rounds === EQUAL) noteMemory();
  }
  clock.stop(items);
}

/** Measures `work` a single time. */
export async function once(work) {
  const clock = new Clock();
  clock.stop(await work());
}
