// Like first.mts, in a function with the client as a parameter.
import type Replicate from "replicate";

export default async function first(replicate: Replicate): Promise<string> {
  const [image] = await replicate.run("a/b", { input: {} });
  return String(image);
}
