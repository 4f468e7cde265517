// Written by scripts/entry.mjs.
import { connect } from "../dist/web/core.mjs";
import module from "../dist/web/replicant.wasm";

export const { ANY, Emulator } = connect(() => module)("testing");
