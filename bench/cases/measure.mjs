// Measures one workload in this process, as `measure.py` and `server/src/measure.rs` do.
import { existsSync, readFileSync } from "node:fs";

/** The process that runs the workload: this one, or that of a runtime. */
let measured = "self";

/** Returns the peak resident memory in bytes. */
function peak() {
  const file = `/proc/${measured}/status`;
  if (!existsSync(file)) return process.resourceUsage().maxRSS * 1024;
  return Number(/^VmHWM:\s*(\d+)/m.exec(readFileSync(file, "utf8"))[1]) * 1024;
}

/** Returns the CPU time in seconds. */
function cpuTime() {
  const file = `/proc/${measured}/stat`;
  if (measured !== "self" && existsSync(file)) {
    // The fields follow the name of the program, which may contain spaces. Linux counts a hundred ticks per second.
    const [user, system] = readFileSync(file, "utf8").split(") ")[1].split(" ").slice(11, 13).map(Number);
    return (user + system) / 100;
  }
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** Memory is read after this many rounds: a client that does more rounds has more garbage. */
const EQUAL = Number(process.env.BENCH_EQUAL ?? 1);

/** Seconds of rounds that are not measured. */
const WARM = Number(process.env.BENCH_WARM ?? 0);

let recorded = 0;

/** Records the peak memory for `stop`. Only the first call counts. */
export function recordMemory() {
  recorded ||= peak();
}

/** Measures from its creation to `stop`, which prints the figures. */
export class Clock {
  memory = peak();
  cpu = cpuTime();
  wall = performance.now();

  /** Returns the elapsed seconds. */
  passed() {
    return (performance.now() - this.wall) / 1000;
  }

  stop(items, more = {}) {
    const wall = this.passed();
    const cpu = cpuTime() - this.cpu;
    const rss = recorded || peak();
    console.log(JSON.stringify({ items, wall, cpu, rss, grown: peak() - this.memory, ...more }));
  }
}

/**
 * Measures `work`, which returns its number of items, repeatedly after one unmeasured round or `WARM`.
 *
 * @param pid the process that runs it, if not this one
 */
export async function report(seconds, work, pid = "self") {
  measured = pid;
  const begun = performance.now();
  do await work();
  while (performance.now() - begun < WARM * 1000);
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
