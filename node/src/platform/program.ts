/** The program `replicant-emulator` as a child process. */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { native } from "../native";
import type { Addresses } from "../testing-types";
import { origins } from "./loader";

/** A program whose standard input closes when this object is gone. */
interface Child {
  /** The first line that it printed. */
  readonly line: string;
  /** Ends it. `wait` says whether to wait until it has ended. */
  stop(wait: boolean): void;
}

interface WithProgram {
  /** Starts a program and waits for the first line that it prints. */
  NativeProgram: new (
    file: string,
    args: string[],
  ) => Child;
}

const INSTALL = "the emulator is a separate package: npm install --save-dev replicant-emulator";

/** Returns the path of the program: `REPLICANT_EMULATOR`, that of a checkout, or that of the package. */
export function binary(): string {
  const given = process.env.REPLICANT_EMULATOR;
  if (given) {
    if (existsSync(given)) return given;
    throw new Error(`\`REPLICANT_EMULATOR\` must be the path of a file, not ${JSON.stringify(given)}`);
  }
  if (typeof __dirname === "string") {
    const suffix = process.platform === "win32" ? ".exe" : "";
    const built = join(__dirname, `../../target/debug/replicant-emulator${suffix}`);
    if (existsSync(built)) return built;
  }
  for (const origin of origins()) {
    const require = createRequire(origin);
    let path: string;
    try {
      path = require.resolve("replicant-emulator");
    } catch {
      continue;
    }
    // Throws if the package for this platform is missing; the message says what to install.
    return require(path).binary();
  }
  throw new Error(INSTALL);
}

function parsed(line: string): (Addresses & { error?: string }) | null {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

/** Stops the children of programs that have been collected. */
const collected = new FinalizationRegistry<Child>((child) => child.stop(false));

/**
 * A running emulator. It stops with `stop()`, when this object is collected, and with this process, which closes the
 * standard input of the child.
 */
export class Program {
  /** URLs and secrets of the emulator. */
  readonly addresses: Addresses;
  readonly #child: Child;

  /** @throws {Error} if an argument is invalid, or the program is missing or cannot start */
  constructor(args: string[]) {
    const file = binary();
    const { NativeProgram } = native as typeof native & WithProgram;
    this.#child = new NativeProgram(file, ["--child", ...args]);
    const report = parsed(this.#child.line);
    if (report?.origin === undefined) {
      this.#child.stop(true);
      const text = `${file} is not the emulator: it printed ${JSON.stringify(this.#child.line.trim())}`;
      throw new Error(report?.error ?? text);
    }
    this.addresses = report;
    collected.register(this, this.#child, this);
  }

  stop(): void {
    collected.unregister(this);
    this.#child.stop(true);
  }
}
