// Helpers for Vitest: `replicant/testing/vitest`.
import { afterAll, beforeAll, beforeEach } from "vitest";
import load from "./dist/replicant.js";

const { settle, useEmulator: use } = load("testing-runner");

// Tests that stand beside a suite with an emulator do not use it.
beforeEach(settle);

export const useEmulator = (options) => use({ after: afterAll, before: beforeAll, beforeEach }, options);
