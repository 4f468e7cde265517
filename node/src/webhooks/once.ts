/** Processes each webhook once, although it may be delivered more than once. */
import { invalid, kindOf } from "../invalid";

/** Whether a webhook was processed before, or is being processed. */
export type WebhookState = "new" | "running" | "done";

/** Remembers webhooks by their ids. Several processes may share a store. */
export interface WebhookStore {
  /** Returns the state of a webhook, and changes it from `new` to `running` in one atomic step. */
  begin(id: string): WebhookState | Promise<WebhookState>;
  /** Changes the state to `done`. */
  finish(id: string): unknown;
  /** Changes the state to `new`. */
  forget(id: string): unknown;
}

/** A store in the memory of this process. */
export class MemoryStore implements WebhookStore {
  readonly #limit: number;
  readonly #states = new Map<string, WebhookState>();

  /** @param limit number of webhooks to remember; the oldest are forgotten first */
  constructor(limit = 10_000) {
    this.#limit = limit;
  }

  begin(id: string): WebhookState {
    const state = this.#states.get(id);
    if (state !== undefined) return state;
    this.#states.set(id, "running");
    for (const oldest of this.#states.keys()) {
      if (this.#states.size <= this.#limit) break;
      this.#states.delete(oldest);
    }
    return "new";
  }

  finish(id: string): void {
    if (this.#states.has(id)) this.#states.set(id, "done");
  }

  forget(id: string): void {
    this.#states.delete(id);
  }
}

/**
 * Calls `handle` if a webhook is new, and returns the state that the webhook had. When `handle` has returned, the webhook
 * is done. If it throws, the webhook is new again, so that the next delivery is handled.
 *
 * @param id the `webhookId` of the event
 */
export async function once(store: WebhookStore, id: string, handle: () => unknown): Promise<WebhookState> {
  return claim(store, id, async () => {
    await handle();
    return true;
  });
}

/** {@link once} whose webhook is also new again if `handle` returns false. */
export async function claim(
  store: WebhookStore,
  id: string,
  handle: () => Promise<boolean>,
): Promise<WebhookState> {
  checkStore(store);
  if (typeof id !== "string")
    invalid(`\`id\` must be the \`webhookId\` of the event, not ${kindOf(id)}`, "id");
  const state = await store.begin(id);
  if (state === "running" || state === "done") return state;
  if (state !== "new") {
    const given = typeof state === "string" ? JSON.stringify(state) : kindOf(state);
    invalid(`\`store\`: \`begin\` must return "new", "running" or "done", not ${given}`, "store");
  }
  let handled = false;
  try {
    handled = await handle();
  } finally {
    if (!handled) await forget(store, id);
  }
  if (handled) await store.finish(id);
  return state;
}

/** Logs an error of the store, which must not hide that of the handler. */
async function forget(store: WebhookStore, id: string): Promise<void> {
  try {
    await store.forget(id);
  } catch (error) {
    console.error(`\`store\`: \`forget\` failed for the webhook ${id}:`, error);
  }
}

/** Throws if `store` is not an object with the methods of a {@link WebhookStore}. */
export function checkStore(store: WebhookStore): void {
  for (const name of ["begin", "finish", "forget"] as const) {
    if (typeof store?.[name] === "function") continue;
    invalid(
      `\`store\` must be an object with the methods \`begin\`, \`finish\` and \`forget\`, such as \`new MemoryStore()\`, not ${kindOf(store)}`,
      "store",
    );
  }
}
