import type { Emulator, EmulatorOptions } from "./dist/testing.js";

/**
 * Starts an emulator for the tests of this file, or of the suite around the call. It is reset before each test and closed
 * after the last one. `REPLICATE_BASE_URL` and `REPLICATE_API_TOKEN` are set for these tests, their hooks, and the code
 * after the call, so that clients of the application use it, too. A suite inside may have an emulator of its own.
 *
 * @example
 * import { test } from "node:test";
 * import { useEmulator } from "replicant/testing/node";
 *
 * const emulator = useEmulator();
 *
 * test("describes an image", async () => {
 *   emulator.script("acme/captioner", { output: "a heron" });
 *   await caption("heron.webp");
 *   emulator.assertCalled("acme/captioner", { times: 1 });
 * });
 */
export declare function useEmulator(options?: EmulatorOptions): Emulator;
