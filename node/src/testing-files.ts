/** Files in the output of a model that a test defines: their content, names and types. */
import type { Source } from "./source";
import type { Part } from "./value";

/** Types by suffix. The first suffix of a type is the usual one. */
const TYPES = new Map(
  Object.entries({
    png: "image/png",
    jpg: "image/jpeg",
    jpeg: "image/jpeg",
    gif: "image/gif",
    webp: "image/webp",
    svg: "image/svg+xml",
    wav: "audio/wav",
    mp3: "audio/mpeg",
    flac: "audio/flac",
    ogg: "audio/ogg",
    mp4: "video/mp4",
    webm: "video/webm",
    mov: "video/quicktime",
    pdf: "application/pdf",
    zip: "application/zip",
    json: "application/json",
    txt: "text/plain",
    csv: "text/csv",
    html: "text/html",
  }),
);

/** Bytes by which files are recognized, with their place. */
const SIGNATURES: readonly (readonly [suffix: string, signature: string, at?: number])[] = [
  ["png", "\x89PNG"],
  ["jpg", "\xff\xd8\xff"],
  ["gif", "GIF8"],
  ["webp", "WEBP", 8],
  ["wav", "RIFF"],
  ["pdf", "%PDF"],
  ["mp3", "ID3"],
  ["zip", "PK\x03\x04"],
];

/** Reads a file of an output. A file without a name or a type gets those of the other, or of its content. */
export async function outputFile({ bytes: given, source }: Part) {
  const bytes = given ?? (await read(source as Source));
  const start = String.fromCharCode(...bytes.subarray(0, 12));
  const sniffed = SIGNATURES.find(([, signature, at]) => start.startsWith(signature, at))?.[0];
  const name = source?.name ?? `output.${suffixOf(source?.type ?? "") ?? sniffed ?? "bin"}`;
  const suffix = name.toLowerCase().split(".").pop() ?? "";
  const type = source?.type ?? TYPES.get(suffix) ?? TYPES.get(sniffed ?? "") ?? "application/octet-stream";
  return { name, type, bytes };
}

async function read({ pull }: Source): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for (let chunk = await pull(0, false); chunk !== null; chunk = await pull(0, false)) chunks.push(chunk);
  return new Uint8Array(await new Blob(chunks as BlobPart[]).arrayBuffer());
}

/** Returns the suffix for a type: the usual one, or the name of the format, such as `bmp` of `image/bmp`. */
function suffixOf(type: string): string | undefined {
  const [plain = ""] = type.replace("/x-", "/").split(";");
  const known = [...TYPES].find(([, type]) => type === plain);
  return known?.[0] ?? plain.match(/\/(\w+)$/)?.[1];
}
