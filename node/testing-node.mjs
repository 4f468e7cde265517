import runner from "./testing-node.cjs";

export const { useEmulator } = runner;
