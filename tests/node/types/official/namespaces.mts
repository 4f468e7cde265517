// Type-only imports, namespaces and re-exports.

import type * as types from "replicate";
import type Replicate from "replicate";
import * as everything from "replicate";
import { default as Named } from "replicate";

export type { Prediction, ServerSentEvent } from "replicate";
export { default, parseProgressFromLogs, validateWebhook } from "replicate";

export function byTypeOnly(client: Replicate, prediction: types.Prediction): Promise<types.Prediction> {
  return client.predictions.get(prediction.id);
}

export function byNamespace(logs: string): number {
  return everything.parseProgressFromLogs(logs)?.percentage ?? 0;
}

export function byInlineImport(page: import("replicate").Page<string>): string[] {
  return page.results;
}

export async function byDynamicImport(): Promise<boolean> {
  const { validateWebhook } = await import("replicate");
  return validateWebhook(new Request("https://example.com"), "whsec_x");
}

export const client: Replicate = new Named();
