// What native modules are built for: the npm package's suffix to Rust's name for the same machine; and the
// oldest glibc they run on.
import { readFileSync } from "node:fs";

export const { npm: TARGETS, glibc: GLIBC } = JSON.parse(
  readFileSync(new URL("../../scripts/platforms.json", import.meta.url), "utf8"),
);
