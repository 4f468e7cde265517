/** Cancels the predictions of runs and streams when the process ends. */
import { setImmediate, setTimeout } from "node:timers";
import { isMainThread } from "node:worker_threads";
import type { Abandoning } from "./platform";
import { main } from "./realm";

/** The process itself: test environments such as Jest's show modules a copy, which has no events. */
const own: NodeJS.Process = main.process ?? process;

/** The signals that end a process. Workers receive none. */
const SIGNALS: readonly NodeJS.Signals[] = isMainThread ? ["SIGINT", "SIGTERM"] : [];

/** Kept here, because fake timers of tests replace them. */
const afterTurn = setImmediate;
const later = setTimeout;

/** Milliseconds between checks for cancels that are not sent yet. */
const RECHECK = 100;
/**
 * Milliseconds in which another signal is the same one. A terminal sends it to all of its processes, and a parent such as
 * `node --test` or `env-cmd` passes it on to its children, too.
 */
const RELAYED = 50;

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
  for (const signal of SIGNALS) own.prependListener(signal, onSignal);
  own.on("exit", onExit);
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
  own.off("exit", onExit);
  listening = false;
}

function ignoreSignals(): void {
  for (const signal of SIGNALS) own.off(signal, onSignal);
}

function onSignal(signal: NodeJS.Signals): void {
  // Before others are called: they may count the listeners to decide who ends the process.
  ignoreSignals();
  if (own.listenerCount(signal) > 0) {
    // The program decides whether the process ends.
    const unwatch = watchKill(signal);
    afterTurn(() => {
      unwatch();
      if (listening) for (const signal of SIGNALS) own.prependListener(signal, onSignal);
    });
    return;
  }
  own.off("exit", onExit);
  ending = true;
  const ignore = () => {};
  for (const signal of SIGNALS) own.on(signal, ignore);
  const heed = () => {
    for (const signal of SIGNALS) own.off(signal, ignore);
  };
  // From then on, another signal ends the process at once.
  later(heed, RELAYED).unref();
  const end = () => {
    heed();
    own.kill(own.pid, signal);
  };
  abandoning?.abandon().then(end, end);
}

/**
 * Cancels the predictions before a listener sends the process a signal that ends it, as the package signal-exit does if no
 * other listener is left. Returns a function that stops this.
 */
function watchKill(signal: NodeJS.Signals): () => void {
  const { kill } = own;
  let watching = true;
  const watched: typeof kill = (pid, sent) => {
    if (watching && pid === own.pid && sent === signal && own.listenerCount(signal) === 0) {
      own.off("exit", onExit);
      onExit();
    }
    return kill.call(own, pid, sent);
  };
  own.kill = watched;
  return () => {
    watching = false;
    // Another copy of this package may have replaced it meanwhile.
    if (own.kill === watched) own.kill = kill;
  };
}

function onExit(): void {
  try {
    abandoning?.abandonBlocking();
  } catch {
    // An exception here would change the exit code.
  }
}
