/** Names and units of options: those of the core, and those of this package. */
import { native } from "./native";
import { platform } from "./platform";
import type { Path } from "./value";

/** One option as the core declares it. */
interface CoreOption {
  name: string;
  type: string;
  unit: "seconds" | null;
}

/** Names that differ from the core's in more than their case. Names of the API stay as they are. */
const RENAMED: Readonly<Record<string, string>> = {
  token: "auth",
  webhook_events_filter: "webhook_events_filter",
};

/** Options that only other languages offer. */
const NOT_OFFERED = new Set(["body", "prefer", "webhook_completed"]);

/** Durations in seconds in this package too, as in the API. */
const IN_SECONDS = new Set(["cancel_after"]);

/** Options that only this package has, and `input`, which the core does not count as an option. */
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
const OWN_OF_CALLS = ["input", "signal", "onUpload", "key", "progress", "drain"];

/** Options that the core's table omits. `clockRate` makes the core's clock run faster. */
const FOR_TESTS = [["clockRate", "clock_rate"]] as const;

/** The core's options by scope: `client`, or a kind of call. */
type CoreOptions = Record<string, CoreOption[]>;

interface Names {
  /** The core's names, by ours. */
  inward: Map<string, string>;
  /** Our names, by the core's. */
  outward: Map<string, string>;
  /** Our names of options in milliseconds, which the core takes in seconds. */
  durations: Set<string>;
  /** Our names of options that take a `file:` URL instead of a path. */
  paths: Set<string>;
  client: string[];
  calls: string[];
}

let cached: Names | undefined;

/** Derives the names from the core's table, when they are first needed: importing the package must stay fast. */
function names(): Names {
  if (cached) return cached;
  const table = Object.entries(JSON.parse(native.compute("options.table", "{}") as string) as CoreOptions);
  const offered = table.map(([scope, options]) => ({
    scope,
    options: options
      .filter(({ name }) => !NOT_OFFERED.has(name))
      .map((option) => ({ ...option, own: RENAMED[option.name] ?? camelCase(option.name) })),
  }));
  const own = (isOf: (scope: string) => boolean) => [
    ...new Set(
      offered.filter(({ scope }) => isOf(scope)).flatMap(({ options }) => options.map(({ own }) => own)),
    ),
  ];
  const all = offered.flatMap(({ options }) => options);
  cached = {
    inward: new Map([...all.map(({ name, own }) => [own, name] as const), ...FOR_TESTS]),
    outward: new Map(all.map(({ name, own }) => [name, own])),
    durations: new Set(
      all.filter(({ name, unit }) => unit === "seconds" && !IN_SECONDS.has(name)).map(({ own }) => own),
    ),
    paths: new Set(all.filter(({ type }) => type === "path").map(({ own }) => own)),
    client: [...own((scope) => scope === "client"), ...OWN_OF_CLIENTS],
    calls: [...OWN_OF_CALLS, ...own((scope) => scope !== "client")],
  };
  return cached;
}

const camelCase = (name: string) => name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());

/** Returns the options of a client. */
export const clientOptions = (): string[] => names().client;

/** Returns the options of calls that run a model. The core knows which call takes which. */
export const callOptions = (): string[] => names().calls;

/** Returns whether `name` is the core's name of an option that has another name here. */
export const isCoreName = (name: string): boolean =>
  (names().outward.get(name) ?? name) !== name && !names().inward.has(name);

/** Converts an option to the core's name and unit. An unknown name stays, so that the core rejects it as written. */
export function inward(name: string, value: unknown): [string, unknown] {
  const { inward, durations, paths } = names();
  const coreName = inward.get(name) ?? name;
  if (durations.has(name) && typeof value === "number") return [coreName, value / 1000];
  if (paths.has(name) && value instanceof URL) return [coreName, platform.pathOf(value)];
  return [coreName, value];
}

/** Converts a value of the core to the unit of the option `name`. */
export function outwardValue(name: string, value: unknown): unknown {
  return names().durations.has(name) && typeof value === "number" ? value * 1000 : value;
}

/** Converts the path of a parameter of the core to the option that the user passed. */
export function outwardPath(path: Path): Path {
  const [first, ...rest] = path[0] === "request_options" ? path.slice(1) : path;
  return typeof first === "string" ? [names().outward.get(first) ?? first, ...rest] : path;
}

/** Texts of the core that name what this package lacks. */
const OF_ALL_LANGUAGES = [
  [" request_options: `", ": `"],
  [
    "`timeout`, `max_retries`, `headers` and `query`",
    "`signal`, `timeout`, `maxRetries`, `headers` and `query`",
  ],
  ["pass it in `request_options`", "pass it in the last argument, the options"],
  [
    'pass `Path("photo.png")` in Python or `await openAsBlob("photo.png")` (node:fs) in Node',
    'pass `await openAsBlob("photo.png")` (node:fs)',
  ],
] as const;

/** What stands before the error of a row that ended a batch. */
const OF_BATCH = /^\d+ of the last \d+ rows .*?The last error: /s;

/** Converts a message of the core to the names of this package, except the text of the API or a model. */
export function outwardText(message: string): string {
  const [ofBatch = ""] = OF_BATCH.exec(message) ?? [];
  const rest = message.slice(ofBatch.length);
  const model = rest.search(/Prediction (?:failed|was)/);
  const status = rest.lastIndexOf(" failed with status");
  // The text of a model is the end of a message, and that of the API is before its status.
  const ofModel = model < 0 || status > model ? rest.length : model;
  const ofApi = status > model && model >= 0 ? rest.length : Math.max(0, status);
  return ownText(ofBatch) + rest.slice(0, ofApi) + ownText(rest.slice(ofApi, ofModel)) + rest.slice(ofModel);
}

function ownText(ours: string): string {
  const { outward } = names();
  const text = OF_ALL_LANGUAGES.reduce((text, [core, own]) => text.replace(core, own), ours);
  // A JSON string is a value of the user or the body of a response.
  return text.replace(/"(?:[^"\\]|\\.)*"|`(\w+)`/g, (found, name) =>
    outward.has(name) ? quote(outward.get(name)) : found,
  );
}

/** Converts a message of the core, and the argument that it is about, to the names and units of this package. */
export function outward(message: string, argument: string): [message: string, argument: string] {
  const { outward, durations } = names();
  const own = outward.get(argument) ?? argument;
  const text = outwardText(message);
  return [durations.has(own) ? text.replace("seconds", "milliseconds") : text, own];
}

const quote = (name: string | undefined) => `\`${name}\``;
