/** Webhooks in Next.js: route handlers of the app router, and API routes of the pages router. */
export { webhook as apiRoute } from "./express";
export { MemoryStore, type WebhookHandlerOptions, type WebhookStore, webhook } from "./index";
