// Every entry point as an ES module. Compiled, not run.
import Replicate, { type MapItem, type Model, withResponse } from "replicate";
import { Emulator } from "replicate/testing";
import { useEmulator } from "replicate/testing/node";
import { useEmulator as useEmulatorInVitest } from "replicate/testing/vitest";
import * as webhooks from "replicate/webhooks";

export async function first(): Promise<MapItem<{ text: string }, string>[]> {
  const replicate = new Replicate();
  const { data, response } = await withResponse(replicate.models.get("a", "b"));
  const model: Model = data;
  const items: MapItem<{ text: string }, string>[] = [];
  const rows = [{ text: `${model.name} ${response.status}` }];
  for await (const item of replicate.map<{ text: string }, string>("a/b", rows, { signal: null }))
    items.push(item);
  return items;
}

void [Emulator, useEmulator, useEmulatorInVitest, webhooks];
