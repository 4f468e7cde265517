// Loads the native module from an ES module. If a CommonJS module throws while `import()` loads it, Node 20 reports the
// exception as unhandled although the program has handled it.
import load from "./dist/replicant.js";

load("native");
