/** The progress of a batch as one line of a terminal. */
import type { MapStats } from "./map-stats";

/** Formats the progress: `120/1000 rows, 12%, 3 failed, 620/min, 1:25 left`. */
export function progressText(stats: MapStats): string {
  const { total, failed, perMinute, remaining } = stats;
  const finished = stats.succeeded + failed;
  const parts = [total === null ? `${finished} rows` : `${finished}/${total} rows`];
  if (total) parts.push(`${Math.floor((100 * finished) / total)}%`);
  parts.push(`${failed} failed`, `${Math.round(perMinute)}/min`);
  if (remaining !== null && finished > 0) parts.push(`${duration(remaining)} left`);
  return parts.join(", ");
}

/** Formats milliseconds: `1:25`, `2:01:25`. */
function duration(milliseconds: number): string {
  const seconds = Math.ceil(milliseconds / 1000);
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  const digits = (number: number) => String(number).padStart(2, "0");
  return `${hours > 0 ? `${hours}:${digits(minutes)}` : minutes}:${digits(seconds % 60)}`;
}

/** A line that replaces itself. */
export class ProgressLine {
  #shown = false;

  constructor(private readonly write: (text: string) => void) {}

  show(stats: MapStats): void {
    this.#shown = true;
    this.write(`\r\x1b[K${progressText(stats)}`);
  }

  /** Leaves the line as it is. */
  end(): void {
    if (this.#shown) this.write("\n");
    this.#shown = false;
  }
}
