/** An emulator for the tests of a file, by the hooks of a test runner. */
import { setVariables } from "./kit";
import { Emulator, type EmulatorOptions } from "./testing";

/** Hooks of a test runner, which apply to the file or suite that calls them. */
export interface Hooks {
  beforeEach(hook: () => void): void;
  after(hook: () => void): void;
}

/** Returns an emulator that is reset before each test and closed after the last one. */
export function useEmulator({ beforeEach, after }: Hooks, options?: EmulatorOptions): Emulator {
  const emulator = new Emulator(options);
  const restore = setVariables({
    REPLICATE_BASE_URL: emulator.baseUrl,
    REPLICATE_API_TOKEN: options?.token ?? "r8_a-token-for-tests",
  });
  beforeEach(() => emulator.reset());
  after(() => {
    restore();
    emulator.close();
  });
  return emulator;
}
