// Written by scripts/entry.mjs.
import load from "#load";

export const { MemoryStore, apiRoute, webhook } = load("webhooks/next");
