// Helpers for Vitest: `replicant/testing/vitest`.
import { afterAll, beforeEach } from "vitest";
import load from "./dist/replicant.js";

const runner = load("testing-runner");

export const useEmulator = (options) => runner.useEmulator({ after: afterAll, beforeEach }, options);
