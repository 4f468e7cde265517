// The WebAssembly build of the package, and what the tests of it need.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { test as nodeTest } from "node:test";

const dist = new URL("../../../node/dist/web/", import.meta.url);

/** Whether the build exists. `make web` makes it, if the machine can compile for WebAssembly. */
const exists = existsSync(new URL("core.mjs", dist));

/** Why tests are skipped, or false. With `REPLICANT_WEB=required`, as in CI, they fail instead. */
export const skip =
  exists || process.env.REPLICANT_WEB === "required"
    ? false
    : "node/dist/web is missing: `make web` builds it and says what it needs";

/** Defines a test of the build. */
export function test(name, run) {
  nodeTest(name, { skip }, run);
}

/** Returns the exports of the build, and its native half. */
export async function loadBuild() {
  const [{ connect }, { compile }] = await Promise.all(
    ["core.mjs", "wasm.mjs"].map((name) => import(new URL(name, dist))),
  );
  const load = connect(compile);
  return { ...load("api"), ...load("testing"), native: load("native").native };
}

/** Returns the conformance cases with their files. */
export function cases() {
  const folder = new URL("../../cases/", import.meta.url);
  return readdirSync(folder)
    .filter((name) => name.endsWith(".json"))
    .sort()
    .flatMap((file) =>
      JSON.parse(readFileSync(new URL(file, folder), "utf8")).map((one) => ({ file, one })),
    );
}
