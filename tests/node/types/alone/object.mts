// Like first.mts, for an object.
import Replicate from "replicate";

const { audio } = await new Replicate().run("a/b", { input: {} });
console.log(audio.url());
