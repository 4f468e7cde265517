// Finds the method of the client that calls an operation of the core, and its arguments.

/** Operations whose methods have another name or belong to an object. */
const METHODS = {
  "account.get": (client) => client.accounts.current,
  "predictions.output_iterator": (client) => client.predictions.outputIterator,
  "predictions.result": (client) => async (id, options) => client.handle(id).result(options),
  "predictions.watch": (client) =>
    async function* (id, options) {
      yield* client.handle(id).events(options);
    },
  "output.bytes": (client) => async (options) => file(client, options.url).bytes(),
  "output.save":
    (client) =>
    async ({ url, path, ...options }) =>
      file(client, url).save(path, options),
  "output.save_all": (client) => client.saveAll.bind(client),
  "output.head": (client) => async (options) => file(client, options.url).head(),
  "output.read": (client) =>
    async function* (options) {
      yield* file(client, options.url).stream();
    },
};

/** Returns the file output for a URL, which may be http in tests. */
export function file(client, url) {
  return client.predictions.calls.file(url);
}

/** Parameters that methods take by position. */
const POSITIONAL = {
  run: ["ref"],
  stream: ["ref"],
  submit: ["ref"],
  "predictions.result": ["id"],
  "predictions.watch": ["id"],
  map: ["ref"],
  "predictions.get": ["id"],
  "predictions.cancel": ["id"],
  "predictions.wait": [["prediction", "id"]],
  "predictions.output": ["output"],
  "predictions.stream": [["prediction", "id"]],
  "predictions.output_iterator": [["prediction", "id"]],
  "deployments.get": ["owner", "name"],
  "deployments.create": [null],
  "deployments.update": ["owner", "name", null],
  "deployments.delete": ["owner", "name"],
  "deployments.predictions.create": ["owner", "name"],
  "models.get": ["owner", "name"],
  "models.create": ["owner", "name", null],
  "models.update": ["owner", "name", null],
  "models.delete": ["owner", "name"],
  "models.search": ["query"],
  "models.predictions.create": ["owner", "name"],
  "models.versions.get": ["owner", "name", "id"],
  "models.versions.list": ["owner", "name"],
  "models.versions.delete": ["owner", "name", "id"],
  "models.examples.list": ["owner", "name"],
  "models.readme.get": ["owner", "name"],
  "files.create": ["file", "metadata"],
  "files.get": ["id"],
  "files.delete": ["id"],
  "files.download": ["id", null],
  "trainings.create": ["owner", "name", "version"],
  "trainings.get": ["id"],
  "trainings.cancel": ["id"],
  "collections.get": ["slug"],
  search: ["query"],
  "output.save_all": ["outputs", "dir"],
  request: ["path"],
  paginate: ["path"],
};

/** Names of the API, which do not change. */
const WIRE = new Set([
  "webhook_events_filter",
  "webhook_completed",
  "created_after",
  "created_before",
  "sort_by",
  "sort_direction",
  "content_type",
  "min_instances",
  "max_instances",
  "github_url",
  "paper_url",
  "weights_url",
  "license_url",
  "cover_image_url",
]);
const SECONDS = new Set(["timeout", "interval", "connect_timeout", "poll_interval", "idle_timeout"]);

/** Converts options of the core to the names and units of this package. */
export function options(params) {
  const { token, request_options: request, ...rest } = params;
  const result = token === undefined ? {} : { auth: token };
  for (const [name, value] of Object.entries({ ...rest, ...request })) {
    const own = WIRE.has(name) ? name : name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());
    result[own] = SECONDS.has(name) && typeof value === "number" ? value * 1000 : value;
  }
  return result;
}

/** Returns the method that calls `operation`, or undefined. */
export function method(client, operation) {
  if (METHODS[operation]) return METHODS[operation](client);
  let holder = client;
  for (const name of operation.split(".")) {
    const next = holder?.[name];
    if (next === undefined) return undefined;
    holder = typeof next === "function" ? next.bind(holder) : next;
  }
  return typeof holder === "function" ? holder : undefined;
}

/** Returns the arguments for the method. A null in POSITIONAL takes the remaining parameters. */
export function args(operation, params) {
  const left = { ...params };
  const result = [];
  for (const names of POSITIONAL[operation] ?? []) {
    if (names === null) {
      const { request_options: request, ...own } = left;
      return [...result, own, ...(request ? [options({ request_options: request })] : [])];
    }
    const name = [names].flat().find((name) => name in left);
    result.push(left[name]);
    delete left[name];
  }
  return [...result, options(left)];
}
