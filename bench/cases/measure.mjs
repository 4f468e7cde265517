// Measuring one work in a process of its own; `measure.py` and `server/src/measure.rs` do the same.
import { existsSync, readFileSync } from "node:fs";

/** The most memory that was resident, in bytes. */
function peak() {
  if (!existsSync("/proc/self/status")) return process.resourceUsage().maxRSS * 1024;
  return Number(/^VmHWM:\s*(\d+)/m.exec(readFileSync("/proc/self/status", "utf8"))[1]) * 1024;
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
    const rss = peak();
    console.log(
      JSON.stringify({ items, wall, cpu: (user + system) / 1e6, rss, grown: rss - this.memory, ...more }),
    );
  }
}

/** Repeats `work`, which gives how many items it did, after a first time that does not count. */
export async function report(seconds, work) {
  await work();
  const clock = new Clock();
  let items = 0;
  while (!items || clock.passed() < seconds) items += await work();
  clock.stop(items);
}

/** Measures `work` a single time. */
export async function once(work) {
  const clock = new Clock();
  clock.stop(await work());
}
