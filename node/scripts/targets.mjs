// The platforms of native modules, as suffixes of npm packages with their Rust targets, and the oldest supported
// glibc.
import { readFileSync } from "node:fs";

export const { npm: TARGETS, glibc: GLIBC } = JSON.parse(
  readFileSync(new URL("../../scripts/platforms.json", import.meta.url), "utf8"),
);
