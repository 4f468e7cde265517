// Written by scripts/entry.mjs.
import load from "#load";

export const { MemoryStore, once, webhook } = load("webhooks/index");
