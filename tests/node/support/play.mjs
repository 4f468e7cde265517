// Plays a conformance case with any build of the package. Uses web APIs only, because it also runs inside workerd.
import { args, method, options } from "./face.mjs";

/** A build of the package to play cases with. */
/** @typedef {{ Replicate: Function, File: Function, drain: () => Promise<void> }} Build */

const decoded = (base64) =>
  globalThis.Buffer?.from(base64, "base64") ??
  Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));

function encoded(bytes) {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

/** Replaces `{"$bytes": "base64"}` and `{"$file": {...}}` by bytes and files. */
function revive(value, File) {
  if (Array.isArray(value)) return value.map((item) => revive(item, File));
  if (typeof value !== "object" || value === null) return value;
  if (typeof value.$bytes === "string") return decoded(value.$bytes);
  if (value.$file) {
    const { text, base64, filename, content_type: type } = value.$file;
    const bytes = text === undefined ? decoded(base64) : text;
    return filename === undefined ? new Blob([bytes], { type }) : new File([bytes], filename, { type });
  }
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, revive(member, File)]));
}

async function collect(iterable) {
  const items = [];
  for await (const item of iterable) items.push(item);
  return items;
}

const plain = (value) =>
  value instanceof Uint8Array
    ? { $bytes: encoded(value) }
    : JSON.parse(JSON.stringify(value === undefined ? null : value));

function check(holds, message) {
  if (!holds) throw new Error(message);
}

/** Asserts that `actual` is what the case expects; `{{any}}` matches anything. */
function matches(actual, expected, place) {
  if (expected === "{{any}}") return;
  const found = `${place}: ${JSON.stringify(actual)} is not ${JSON.stringify(expected)}`;
  if (typeof expected !== "object" || expected === null) check(Object.is(actual, expected), found);
  else if (Array.isArray(expected)) {
    check(Array.isArray(actual) && actual.length === expected.length, found);
    for (const [n, item] of expected.entries()) matches(actual[n], item, `${place}[${n}]`);
  } else {
    check(
      Object.keys(actual ?? {})
        .sort()
        .join() === Object.keys(expected).sort().join(),
      found,
    );
    for (const [key, member] of Object.entries(expected)) matches(actual[key], member, `${place}.${key}`);
  }
}

/** Runs a batch. Returns its results in the order of the rows, and the progress at its end. */
async function runBatch(map, [ref, options], rows) {
  const hasKeys = rows.some((row) => "key" in row);
  const own = { input: (row) => row.input, ...(hasKeys ? { key: "key" } : {}) };
  const results = map(ref, rows, { ...options, ...own });
  const items = await collect(results);
  for (const { index, row, input } of items) {
    check(row === rows[index] && input === row.input, `item ${index} has another row`);
  }
  items.sort((a, b) => a.index - b.index);
  return { items: items.map((item) => ({ ...item, error: item.error?.code ?? null })), stats: results.stats };
}

/** Asserts that `actual` has the members of `expected`. */
function matchMembers(actual, expected, place) {
  for (const [name, member] of Object.entries(expected)) {
    check(name in actual, `${place} has no ${name}`);
    matches(plain(actual[name]), member, `${place}.${name}`);
  }
}

function failed(error, expected) {
  check(error.code === expected.code, `${error.stack}\nhas the code ${error.code}, not ${expected.code}`);
  for (const [name, value] of Object.entries(expected)) {
    if (name === "message_contains") {
      for (const text of [value].flat()) {
        const found = [text, text.replaceAll("base_url", "baseUrl")].some((text) =>
          error.message.includes(text),
        );
        check(found, `${error.message}\nlacks ${text}`);
      }
    } else {
      const own = name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());
      matches(plain(error[own]), value, `error.${own} of ${error.stack}`);
    }
  }
}

/**
 * Plays a case. Throws an error if the call does not end as it should.
 *
 * @param build {Build}
 * @param names what replaces the placeholders: `base`, `origin`, `other`, `tmp`
 */
export async function play({ client = {}, call, ...expected }, build, names) {
  const fill = (value) =>
    JSON.parse(JSON.stringify(value).replace(/\{\{(base|origin|other|tmp)\}\}/g, (_, name) => names[name]));
  const wanted = expected.error;
  const work = async () => {
    const all = { baseUrl: names.base, auth: "r8_test", ...options(fill(client)) };
    const replicate = new build.Replicate(all);
    const given = fill(call);
    const target = method(replicate, given.operation);
    check(target, `there is no method for ${given.operation}`);
    if (given.operation === "map") {
      return runBatch(target, args("map", given.params), revive(given.rows, build.File));
    }
    const result = target(...revive(given.node ?? args(given.operation, given.params ?? {}), build.File));
    return given.stream ? collect(result) : result;
  };
  if (wanted) {
    const error = await work().then(
      (value) => check(false, `it returned ${JSON.stringify(value)}`),
      (error) => error,
    );
    failed(error, fill(wanted));
  } else if (call.operation === "map") {
    const { items, stats } = await work();
    check(items.length === expected.items.length, `items: ${JSON.stringify(items)}`);
    for (const [n, item] of fill(expected.items).entries()) matchMembers(items[n], item, `items[${n}]`);
    matchMembers(stats, expected.stats ?? {}, "stats");
  } else {
    const value = await work();
    if ("content" in expected) {
      const all = value.flatMap((chunk) => [...chunk]);
      check(encoded(all) === expected.content, "the content differs");
    }
    if ("items" in expected) matches(plain(value), fill(expected.items), "items");
    if ("result" in expected) matches(plain(value), fill(expected.result), "result");
  }
  // Cancels are sent in the background.
  await build.drain();
}
