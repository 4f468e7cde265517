/** Cancels the predictions of runs and streams when the process ends. */
import { setImmediate, setTimeout } from "node:timers";
import { isMainThread } from "node:worker_threads";
import type { Abandoning } from "./platform";

/** The signals that end a process. Workers receive none. */
const SIGNALS: readonly NodeJS.Signals[] = isMainThread ? ["SIGINT", "SIGTERM"] : [];

/** Kept here, because fake timers of tests replace them. */
const afterTurn = setImmediate;
const later = setTimeout;

/** Milliseconds between checks for cancels that are not sent yet. */
const RECHECK = 100;

/** Number of calls whose predictions to cancel. */
let running = 0;
/** The calls of this thread. */
let abandoning: Abandoning | undefined;
let listening = false;
/** Whether such a check is scheduled. */
let checking = false;
/** Whether a signal ends the process. */
let ending = false;

/**
 * Cancels the prediction of a call if the process ends before the returned function is called, or `owner` is collected.
 * Listens to the end of the process only meanwhile, because a listener changes what signals do.
 */
export function cancelAtExit(calls: Abandoning, owner?: object): () => void {
  abandoning = calls;
  running++;
  listen();
  let over = false;
  const release = () => {
    if (over) return;
    over = true;
    if (--running > 0 || checking) return;
    checking = true;
    afterTurn(ignoreIfIdle);
  };
  if (owner) collected.register(owner, release);
  return release;
}

const collected = new FinalizationRegistry<() => void>((release) => release());

/** Returns whether a signal ends the process. Calls that begin then are abandoned. */
export const isEnding = (): boolean => ending;

function listen(): void {
  if (listening) return;
  listening = true;
  // First, because a listener that is called once has been removed when the next is called.
  for (const signal of SIGNALS) process.prependListener(signal, onSignal);
  process.on("exit", onExit);
}

function ignoreIfIdle(): void {
  checking = false;
  if (running > 0) return;
  if (!abandoning?.isIdle()) {
    // The end of the process waits for cancels that are not sent yet.
    checking = true;
    later(ignoreIfIdle, RECHECK).unref();
    return;
  }
  ignoreSignals();
  process.off("exit", onExit);
  listening = false;
}

function ignoreSignals(): void {
  for (const signal of SIGNALS) process.off(signal, onSignal);
}

function onSignal(signal: NodeJS.Signals): void {
  // Before others are called: they may count the listeners to decide who ends the process.
  ignoreSignals();
  if (process.listenerCount(signal) > 0) {
    // The program decides whether the process ends.
    afterTurn(() => {
      if (listening) for (const signal of SIGNALS) process.prependListener(signal, onSignal);
    });
    return;
  }
  process.off("exit", onExit);
  ending = true;
  // Meanwhile another signal ends the process at once.
  const end = () => process.kill(process.pid, signal);
  abandoning?.abandon().then(end, end);
}

function onExit(): void {
  try {
    abandoning?.abandonBlocking();
  } catch {
    // An exception here would change the exit code.
  }
}
