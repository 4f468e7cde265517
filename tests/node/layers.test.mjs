// The modules of node/src, type imports included, form no circle.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const src = fileURLToPath(new URL("../../node/src/", import.meta.url));

/** Returns the modules that each module imports. */
function imports() {
  const files = readdirSync(src, { recursive: true })
    .map((file) => file.replaceAll("\\", "/"))
    .filter((file) => file.endsWith(".ts"));
  return new Map(
    files.map((file) => {
      const text = readFileSync(join(src, file), "utf8");
      const targets = [...text.matchAll(/\b(?:from|import)\s*\(?\s*"(\.[^"]+)"/g)].map(
        ([, target]) => `${posix.join(posix.dirname(file), target)}.ts`,
      );
      return [file, targets];
    }),
  );
}

/** Returns a path of imports that leads back to its start, or undefined. */
function findCircle(graph) {
  const done = new Set();
  const visit = (module, path) => {
    if (path.includes(module)) return [...path.slice(path.indexOf(module)), module];
    if (done.has(module)) return undefined;
    for (const target of graph.get(module)) {
      const circle = visit(target, [...path, module]);
      if (circle) return circle;
    }
    done.add(module);
    return undefined;
  };
  for (const module of graph.keys()) {
    const circle = visit(module, []);
    if (circle) return circle;
  }
  return undefined;
}

test("no module imports itself through others", () => {
  const graph = imports();
  assert.ok(graph.size > 30, `found only ${graph.size} modules`);
  for (const [module, targets] of graph) {
    for (const target of targets)
      assert.ok(graph.has(target), `${module} imports ${target}, which is missing`);
  }
  assert.equal(findCircle(graph)?.join(" -> "), undefined);
});

test("a circle is found", () => {
  const graph = new Map([
    ["a", ["b"]],
    ["b", ["c"]],
    ["c", ["d", "b"]],
    ["d", []],
  ]);
  assert.deepEqual(findCircle(graph), ["b", "c", "b"]);
});
