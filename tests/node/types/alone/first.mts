// The first use of the client in a program is a destructured output. Compiled as a separate program.
import Replicate from "replicate";

const replicate = new Replicate();
const [image] = await replicate.run("a/b", { input: { prompt: "x" } });
console.log(image.url());
