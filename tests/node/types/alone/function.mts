// The same in a function, with a client that is a parameter.
import type Replicate from "replicate";

export default async function first(replicate: Replicate): Promise<string> {
  const [image] = await replicate.run("a/b", { input: {} });
  return String(image);
}
