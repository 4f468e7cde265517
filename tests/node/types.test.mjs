// The option types have the names and types of the core's option table, and no others.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));
const load = createRequire(import.meta.url)("../../node/dist/replicant.js");
const table = JSON.parse(load("native").native.compute("options.table", "{}"));
const names = load("names");

/** What differs from the table on purpose; add an option here only with a reason. */
const RENAMED = { token: "auth", webhook_events_filter: "webhook_events_filter" };
const OF_OTHER_LANGUAGES = ["body", "prefer", "webhook_completed"];
/** Ignored, because a stream does not wait for the response to the create. */
const IGNORED_BY_STREAM = ["wait"];

const own = (name) => RENAMED[name] ?? name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());
const without = (options, ignored) => options.filter(({ name }) => !ignored.includes(name));
const offered = (options) => without(options, OF_OTHER_LANGUAGES);

const request = offered(table.request);
const requestOfRun = without(request, ["timeout"]);
const create = [...offered(table.create), ...request];

/** Options that only this package has. */
const OWN_OF_CLIENTS = [
  "fetch",
  "logger",
  "logLevel",
  "onRequest",
  "onResponse",
  "onRetry",
  "cancelOnExit",
  "waitUntil",
  "dangerouslyAllowBrowser",
];

/** Types by name: the table's options, and the names that only this package has. */
const TYPES = {
  ReplicateOptions: [offered(table.client), OWN_OF_CLIENTS],
  RequestOptions: [request, ["signal"]],
  RunOptions: [
    [...offered(table.run), ...requestOfRun],
    ["input", "signal", "onUpload"],
  ],
  StreamOptions: [
    [...without(offered(table.stream), IGNORED_BY_STREAM), ...requestOfRun],
    ["input", "signal", "onUpload"],
  ],
  MapOptions: [
    [...offered(table.map), ...requestOfRun],
    ["input", "key", "progress", "drain", "signal"],
  ],
  WaitOptions: [[...offered(table.wait), ...requestOfRun], ["signal"]],
  PredictionInput: [create, ["input", "signal", "onUpload"]],
  PredictionCreateOptions: [create, ["model", "version", "deployment", "input", "signal", "onUpload"]],
  TrainingOptions: [
    [...offered(table.train), ...request],
    ["destination", "input", "signal", "onUpload"],
  ],
};

const quoted = (words) => words.map((word) => JSON.stringify(word)).join(" | ");

/** The check that an option of the core's type `type` has the TypeScript type `actual`. */
function check(type, actual) {
  const simple = {
    string: "string",
    path: "string | URL",
    number: "number",
    integer: "number",
    boolean: "boolean",
  };
  if (type === "any") return undefined;
  if (type === "list") return `accepts<readonly unknown[], ${actual}>();`;
  if (type === "table") return `accepts<${actual}, Record<string, string>>();`;
  const words = type.split(" | ");
  const expected = words.every((word) => word in simple)
    ? words.map((word) => simple[word]).join(" | ")
    : quoted(words);
  return `same<${actual}, ${expected}>();`;
}

function program() {
  const lines = [
    `import type { ${Object.keys(TYPES).join(", ")} } from "replicant";`,
    "type Keys<T> = T extends unknown ? keyof T : never;",
    "declare function same<A, B>(..._: [A] extends [B] ? ([B] extends [A] ? [] : [A, B]) : [A, B]): void;",
    "declare function accepts<_A, _B extends _A>(): void;",
  ];
  for (const [type, [options, others]] of Object.entries(TYPES)) {
    const keys = [...new Set([...options.map(({ name }) => own(name)), ...others])];
    lines.push(`same<Keys<${type}>, ${quoted(keys)}>();`);
    for (const option of options) {
      const line = check(option.type, `NonNullable<${type}[${JSON.stringify(own(option.name))}]>`);
      if (line) lines.push(line);
    }
  }
  return `${lines.join("\n")}\n`;
}

test("the option types match the core's table", () => {
  // In the package's folder, so that `import "replicant"` resolves to this package.
  const folder = join(root, "node/dist/option-types");
  mkdirSync(folder, { recursive: true });
  after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "options.mts");
  const text = program();
  assert.ok(text.split("\n").length > 80);
  writeFileSync(path, text);
  const compiler = join(root, "node_modules/typescript/bin/tsc");
  const flags = ["--ignoreConfig", "--noEmit", "--strict", "--target", "es2022", "--module", "nodenext"];
  const lib = ["--lib", "es2023,dom,dom.iterable,dom.asynciterable,esnext.disposable", "--types", "node"];
  const { status, stdout } = spawnSync(process.execPath, [compiler, ...flags, ...lib, path], {
    cwd: root,
    encoding: "utf8",
  });
  const numbered = text.split("\n").map((line, n) => `${n + 1}: ${line}`);
  const failed = [...stdout.matchAll(/options\.mts\((\d+),/g)].map(([, line]) => numbered[line - 1]);
  assert.equal(status, 0, `${stdout}\n${failed.join("\n")}`);
});

test("names and units are derived from the core's table", () => {
  const client = offered(table.client).map(({ name }) => own(name));
  assert.deepEqual(names.clientOptions(), [...client, ...OWN_OF_CLIENTS]);
  const { client: _, ...calls } = table;
  const all = offered(Object.values(calls).flat()).map(({ name }) => own(name));
  assert.deepEqual(
    new Set(names.callOptions()),
    new Set([...all, "input", "signal", "onUpload", "key", "progress", "drain"]),
  );
  for (const { name, unit } of offered(Object.values(table).flat())) {
    // The API's own unit, in which it also takes text.
    const factor = unit === "seconds" && name !== "cancel_after" ? 1000 : 1;
    assert.deepEqual(names.inward(own(name), 1500), [name, 1500 / factor], name);
  }
});
