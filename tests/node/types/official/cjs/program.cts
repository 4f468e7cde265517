// A CommonJS program in TypeScript.

import type * as types from "replicate";
import type { Page, Training } from "replicate";
import Replicate, { type FileOutput, type Prediction, validateWebhook } from "replicate";

const replicate: Replicate = new Replicate({ auth: "r8_x" });

export async function images(prompt: string): Promise<FileOutput[]> {
  return (await replicate.run("a/b", { input: { prompt } })) as FileOutput[];
}

export async function listed(): Promise<[Page<Prediction>, Page<Training>, types.Page<types.Model>]> {
  return [
    await replicate.predictions.list(),
    await replicate.trainings.list(),
    await replicate.models.list(),
  ];
}

export const checked: Promise<boolean> = validateWebhook(new Request("https://example.com"), "whsec_x");
export type Client = typeof Replicate;
