/** Emulators for the tests of a file or a suite, by the hooks of a test runner. */
import { setVariables } from "./kit";
import { Emulator, type EmulatorOptions } from "./testing";

/** Hooks of a test runner, which apply to the file or suite that calls them. */
export interface Hooks {
  before(hook: () => void): void;
  beforeEach(hook: () => void): void;
  after(hook: () => void): void;
}

/** The variables of an emulator, and whether its file or suite runs. */
interface Used {
  variables: Record<string, string>;
  runs: boolean;
}

const TOKEN = "REPLICATE_API_TOKEN";

/** Number of tests that have had a token of their own. */
let tests = 0;
/** In the order of the calls, so that those of inner suites follow those of outer ones. */
const used: Used[] = [];
let current: Used | undefined;
let restore = (): void => {};

function use(next: Used | undefined): void {
  if (next === current) return;
  restore();
  current = next;
  restore = next ? setVariables(next.variables) : () => {};
}

/** Sets the variables of the innermost emulator whose file or suite runs. Without one, restores those of the program. */
export function settle(): void {
  use(used.findLast(({ runs }) => runs));
}

/** Sets a token that no other test has, because all clients with the same token share the pause after a 429. */
function renewToken(own: Used): void {
  const token = `r8_a-token-for-test-${++tests}`;
  if (own === current) setVariables({ [TOKEN]: token });
  own.variables[TOKEN] = token;
}

/** Returns an emulator that is reset before each test and closed after the last one. */
export function useEmulator({ before, beforeEach, after }: Hooks, options?: EmulatorOptions): Emulator {
  const emulator = new Emulator(options);
  const own: Used = {
    variables: {
      REPLICATE_BASE_URL: emulator.baseUrl,
      [TOKEN]: options?.token ?? "r8_a-token-for-tests",
    },
    runs: false,
  };
  used.push(own);
  // Runners collect all suites first. Clients that this one creates outside its tests use the emulator, too.
  use(own);
  const enter = () => {
    own.runs = true;
    settle();
  };
  before(enter);
  beforeEach(() => {
    enter();
    if (options?.token === undefined) renewToken(own);
    emulator.reset();
  });
  after(() => {
    used.splice(used.indexOf(own), 1);
    settle();
    emulator.close();
  });
  return emulator;
}
