// The modules of node/src, type imports included, form no circle, and only the platform mentions Node.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const src = fileURLToPath(new URL("../../node/src/", import.meta.url));

const files = readdirSync(src, { recursive: true })
  .map((file) => file.replaceAll("\\", "/"))
  .filter((file) => file.endsWith(".ts"));

/** Returns the modules that each module imports. */
function imports() {
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

/** What belongs to Node, in code without comments. */
const OF_NODE =
  /"node:|\b(?:process|Buffer|NodeJS|__dirname|__filename|setImmediate|require|AsyncResource)\b/;

/** Returns the first line of code that mentions Node, or undefined. */
function mentionOfNode(text) {
  const code = text.replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, "").replace(/`(?:[^`\\$]|\\.)*`/g, '""');
  return code.split("\n").find((line) => OF_NODE.test(line));
}

test("only the platform of Node mentions what belongs to Node", () => {
  const own = [
    "node",
    "assertion",
    "exit",
    "loader",
    "runtimes",
    "models",
    "program",
    "realm",
    "thread",
    "variables",
    "command-line",
  ].map((name) => `platform/${name}.ts`);
  const others = files.filter((file) => !own.includes(file));
  assert.ok(others.length > 30, `found only ${others.length} modules`);
  for (const file of others) {
    assert.equal(mentionOfNode(readFileSync(join(src, file), "utf8")), undefined, file);
  }
  for (const file of own) assert.ok(mentionOfNode(readFileSync(join(src, file), "utf8")), file);
});

test("no class has a static block, which Metro cannot parse", () => {
  for (const file of files) assert.doesNotMatch(readFileSync(join(src, file), "utf8"), /\bstatic\s*\{/, file);
});

test("the build for the web loads none of the modules that belong to Node", () => {
  const graph = imports();
  const reached = new Set();
  const visit = (file) => {
    if (file === "platform/node.ts") return visit("platform/web.ts");
    if (file === "platform/node-kit.ts") return visit("platform/web-kit.ts");
    if (reached.has(file)) return undefined;
    reached.add(file);
    for (const target of graph.get(file)) visit(target);
  };
  visit("api.ts");
  visit("testing.ts");
  assert.ok(reached.has("platform/web.ts"));
  for (const file of [
    "assertion",
    "exit",
    "loader",
    "control",
    "models",
    "program",
    "realm",
    "thread",
    "command-line",
  ].map((name) => `platform/${name}.ts`))
    assert.ok(!reached.has(file), file);
  // What it looks up exists in some runtimes only, so it is found through `globalThis`.
  assert.doesNotMatch(readFileSync(join(src, "platform/runtimes.ts"), "utf8"), /from "node:/);
});
