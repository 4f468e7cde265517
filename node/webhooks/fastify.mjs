// Written by scripts/entry.mjs.
import load from "#load";

export const { MemoryStore, webhook } = load("webhooks/fastify");
