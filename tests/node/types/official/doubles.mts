// Test doubles and subclasses.

import { mock } from "node:test";
import { fn, spyOn } from "@vitest/spy";
import Replicate, { type Model, type Page, type Prediction, type ServerSentEvent } from "replicate";
import { account, deployment, file, model, prediction, training, version } from "./data.mjs";

const replicate = new Replicate();

export function runAsAFunctionType(): Replicate["run"] {
  const run: Replicate["run"] = async () => ["https://example.com/a.png"];
  return run;
}

export function runInPicks(): Pick<Replicate, "run">[] {
  return [
    { run: async () => ["x"] },
    { run: async () => ({ audio: "x" }) },
    { run: () => Promise.resolve({}) },
    { run: async (identifier, { input }) => [identifier, input] },
  ];
}

export function runIsReplaced(): void {
  replicate.run = async () => ["x"];
  replicate.run = async (identifier: string, options: { input: object }) => ({ identifier, ...options });
  replicate.run = async (_identifier, options, progress) => {
    progress?.(prediction);
    return options.input;
  };
}

export function runIsSpiedOn(): void {
  spyOn(replicate, "run").mockImplementation(async () => ["x"]);
  spyOn(replicate, "run").mockImplementation(async (identifier, options) => [identifier, options.input]);
  spyOn(replicate, "run").mockResolvedValue(["x"]);
  spyOn(replicate, "run").mockResolvedValueOnce({ audio: "x" });
  spyOn(replicate, "run").mockRejectedValue(new Error("x"));
}

export function callsAreLookedAt(): object {
  const spy = spyOn(replicate, "run");
  const [identifier, options] = spy.mock.calls[0] ?? ["a/b", { input: {} }];
  return { identifier, input: options.input };
}

export function prototypeIsSpiedOn(): void {
  spyOn(Replicate.prototype, "run").mockImplementation(async () => ["x"]);
}

export function typedMocks(): Pick<Replicate, "run"> {
  const run = fn<Replicate["run"]>().mockResolvedValue(["x"]);
  return { run };
}

export function nodeMocks(): void {
  mock.method(replicate, "run", async () => ["x"]);
  mock.method(replicate.predictions, "get", async () => prediction);
}

export function streamIsReplaced(): void {
  async function* events(): AsyncGenerator<ServerSentEvent> {
    yield { event: "output", data: "a" };
    yield { event: "done", data: "{}" };
  }
  replicate.stream = events;
  replicate.stream = async function* () {
    yield { event: "output", data: "a" };
  };
  spyOn(replicate, "stream").mockImplementation(events);
  spyOn(replicate, "stream").mockReturnValue(events());
}

export function predictionsAreReplaced(): void {
  replicate.predictions.create = async () => prediction;
  replicate.predictions.create = async ({ input }) => ({ ...prediction, input, output: ["a"] });
  replicate.predictions.get = async (id: string) => ({ ...prediction, id });
  replicate.predictions.cancel = async (id) => ({ ...prediction, id, status: "canceled" });
  replicate.predictions.list = async () => ({ results: [prediction] });
}

export function predictionsAreSpiedOn(): void {
  spyOn(replicate.predictions, "create").mockResolvedValue({ ...prediction, output: "x" });
  spyOn(replicate.predictions, "create").mockImplementation(
    async (options) => ({ ...prediction, ...options }) as Prediction,
  );
  spyOn(replicate.predictions, "get")
    .mockResolvedValueOnce(prediction)
    .mockResolvedValue({ ...prediction, output: [1] });
  spyOn(replicate.predictions, "cancel").mockImplementation(async (id) => ({ ...prediction, id }));
  spyOn(replicate.predictions, "list").mockResolvedValue({ results: [prediction], next: "n" });
}

export function listsAreReplaced(): void {
  const page: Page<Model> = { results: [model] };
  replicate.models.list = async () => page;
  replicate.models.search = async (query) => ({ results: query ? [model] : [] });
  replicate.models.versions.list = async () => ({ results: [version] });
  replicate.trainings.list = async () => ({ results: [training] });
  replicate.files.list = async () => ({ results: [file] });
  replicate.deployments.list = async () => ({ results: [deployment] });
  replicate.collections.list = async () => ({ results: [] });
  spyOn(replicate.models, "list").mockImplementation(async () => ({ results: [model] }));
}

export function othersAreReplaced(): void {
  replicate.accounts.current = async () => account;
  replicate.hardware.list = async () => [{ sku: "cpu", name: "CPU" }];
  replicate.models.get = async (owner, name) => ({ ...model, owner, name });
  replicate.models.create = async (owner, name, { visibility }) => ({ ...model, owner, name, visibility });
  replicate.models.versions.get = async () => version;
  replicate.trainings.create = async (_owner, _name, _version, { input }) => ({ ...training, input });
  replicate.files.create = async () => file;
  replicate.files.delete = async () => true;
  replicate.deployments.get = async () => deployment;
  replicate.deployments.create = async ({ name }) => ({ ...deployment, name });
  replicate.deployments.update = async () => deployment;
  replicate.deployments.predictions.create = async () => prediction;
  replicate.webhooks.default.secret.get = async () => ({ key: "whsec_x" });
  replicate.wait = async (given) => ({ ...given, status: "succeeded" });
  replicate.request = async () => new Response("{}");
}

export function deploymentRunIsReplaced(): void {
  replicate.deployments.predictions.create = async (
    owner: string,
    name: string,
    options: { input: object },
  ) => ({
    ...prediction,
    deployment: `${owner}/${name}`,
    input: options.input,
  });
  spyOn(replicate.deployments.predictions, "create").mockImplementation(async (_owner, _name, { input }) => ({
    ...prediction,
    input,
  }));
}

export function namespacesAreReplaced(other: Replicate): void {
  replicate.models = other.models;
  replicate.predictions = other.predictions;
  replicate.deployments = { ...other.deployments, list: async () => ({ results: [] }) };
  replicate.webhooks = { default: { secret: { get: async () => ({ key: "k" }) } } };
  replicate.accounts = { current: async () => account };
  replicate.hardware = { list: async () => [] };
  replicate.collections = { list: async () => ({ results: [] }), get: other.collections.get };
}

export function castFakes(): Replicate[] {
  const fake = { run: async () => ["x"], predictions: { get: async () => prediction } };
  return [fake as unknown as Replicate, {} as Replicate, { auth: "x" } as Replicate];
}

export function partialFakes(): Partial<Replicate> {
  return { auth: "x", run: async () => ({}), wait: async (given) => given };
}

export class Counting extends Replicate {
  runs = 0;
  override async run(
    identifier: `${string}/${string}`,
    options: { input: object; signal?: AbortSignal },
    progress?: (prediction: Prediction) => void,
  ): Promise<object> {
    this.runs++;
    return super.run(identifier, options, progress);
  }
}

export class Logging extends Replicate {
  override async run(...args: Parameters<Replicate["run"]>): Promise<object> {
    console.log(args[0]);
    return super.run(...args);
  }
  override async request(
    route: string | URL,
    options: { method?: string; data?: object },
  ): Promise<Response> {
    return super.request(route, options);
  }
  override async wait(given: Prediction): Promise<Prediction> {
    return super.wait(given, { interval: 10 });
  }
}

export class Streaming extends Replicate {
  override async *stream(
    identifier: `${string}/${string}`,
    options: { input: object },
  ): AsyncGenerator<ServerSentEvent> {
    for await (const event of super.stream(identifier, options)) yield { ...event, data: event.data.trim() };
  }
  override async *paginate<T>(endpoint: () => Promise<Page<T>>): AsyncGenerator<T[]> {
    yield* super.paginate(endpoint);
  }
}

export class Configured extends Replicate {
  override auth = "r8_x";
  override userAgent = "mine/1";
  override baseUrl = "https://example.com/v1";
  override fetch = async (input: Request | string, init?: RequestInit) => fetch(input, init);
  constructor(options?: ConstructorParameters<typeof Replicate>[0]) {
    super({ ...options, useFileOutput: false });
  }
}

export class Wrapper {
  constructor(private readonly client: Pick<Replicate, "run" | "stream"> = new Replicate()) {}
  async ask(prompt: string): Promise<string> {
    const output = await this.client.run("a/b", { input: { prompt } });
    return Object.values(output).join("");
  }
}

export const wrappers = [new Wrapper(), new Wrapper({ run: async () => [], stream: async function* () {} })];
export const made: InstanceType<typeof Replicate>[] = [
  new Counting(),
  new Logging(),
  new Streaming(),
  new Configured(),
];
