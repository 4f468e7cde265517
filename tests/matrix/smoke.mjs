import assert from "node:assert/strict";
import Replicate, { FileOutput } from "replicant";
import { Emulator } from "replicant/testing";
import { steps } from "./steps.mjs";

assert.equal(typeof FileOutput, "function");
console.log(await steps(Replicate, Emulator));
