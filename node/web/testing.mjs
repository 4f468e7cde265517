// Written by scripts/entry.mjs.
import { connect } from "../dist/web/core.mjs";
import { compile } from "../dist/web/wasm.mjs";

export const { ANY, Emulator } = connect(compile)("testing");
