/** The command-line program. */
import { loadNative } from "./loader";
import { binary } from "./program";

interface Native {
  /** `findEmulator` returns the path of the emulator, or an empty text and what to install. */
  commandLine(args: string[], findEmulator: () => string[]): number;
}

function findEmulator(): string[] {
  try {
    return [binary()];
  } catch (error) {
    return ["", (error as Error).message];
  }
}

/** Runs the command-line program with the arguments of this process, and ends the process. */
export function main(): never {
  // The program handles signals. Without a listener, Node's own handler would also end the process.
  for (const signal of ["SIGHUP", "SIGINT", "SIGTERM"] as const) process.on(signal, () => {});
  process.exit(loadNative<Native>().commandLine(process.argv.slice(2), findEmulator));
}
