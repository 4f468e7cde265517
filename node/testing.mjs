// The same class that require("replicant/testing") gives.
import "./index.load.mjs";
import testing from "./testing.cjs";

export const { ANY, Emulator } = testing;
