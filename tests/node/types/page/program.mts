// A program for a web page: the types of browsers, without those of iteration, and without those of Node.
import Replicate, { type FileOutput } from "replicate";
import { Emulator } from "replicate/testing";

export async function size(file: FileOutput): Promise<number> {
  let size = 0;
  for await (const piece of file) size += piece.length;
  return size;
}

export const response = (file: FileOutput): Response => new Response(file);
export const responseOfBytes = async (file: FileOutput): Promise<Response> =>
  new Response(await file.bytes());
export const blobOfBytes = async (file: FileOutput): Promise<Blob> => new Blob([await file.bytes()]);
export const download = async (client: Replicate): Promise<Response> =>
  new Response(await client.files.download("id", { owner: "acme", expiry: 1, signature: "x" }));
export const bytes = (file: FileOutput): Promise<Uint8Array> => file.bytes();

export async function text(): Promise<string> {
  const emulator = new Emulator();
  let text = "";
  for await (const event of new Replicate({ baseUrl: emulator.baseUrl }).stream("a/b", { input: {} }))
    text += event;
  return text;
}
