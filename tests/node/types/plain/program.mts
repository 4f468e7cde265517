// A server program: the types of Node without those of browsers. Compiled, not run.
import Replicate, { type FileOutput } from "replicant";
import { Emulator } from "replicant/testing";
import { useEmulator } from "replicant/testing/node";
import { useEmulator as useEmulatorInVitest } from "replicant/testing/vitest";

const replicate = new Replicate();

export async function size(file: FileOutput): Promise<number> {
  let size = 0;
  for await (const piece of file) size += piece.length;
  return size;
}

export async function tested(): Promise<string[]> {
  await using emulator = useEmulator({ tls: true });
  return [emulator.origin, emulator.tlsBaseUrl ?? "", emulator.caBundle ?? "", useEmulatorInVitest().baseUrl];
}

export async function first(): Promise<string> {
  using _emulator = new Emulator();
  await using events = replicate.stream("meta/meta-llama-3-8b-instruct", { input: { prompt: "Hi" } });
  for await (const event of events) return String(event);
  return "";
}

export async function head(): Promise<void> {
  await using file = await replicate.run<FileOutput>("black-forest-labs/flux-schnell", { input: {} });
  console.log((await file.head()).size);
}
