import "./index.load.mjs";
import runner from "./testing-node.cjs";

export const { useEmulator } = runner;
