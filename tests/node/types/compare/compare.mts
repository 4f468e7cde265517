// Compares our declarations with those of the official package (here called `official`): data types are assignable in
// both directions, our client is assignable to theirs, and functions of their types can replace our methods.

import type * as theirs from "official";
import type Official from "official";
import type * as ours from "replicate";
import type Replicate from "replicate";

declare function to<T>(value: T): void;
function fits<A, _B extends A>(): void {}

interface Data<M extends { [name: string]: unknown }> {
  all: M;
}

export function dataIsReadAsTheirs(
  {
    all,
  }: Data<{
    account: ours.Account;
    collection: ours.Collection;
    deployment: ours.Deployment;
    error: ours.ApiError;
    event: ours.ServerSentEvent;
    file: ours.FileObject;
    hardware: ours.Hardware;
    model: ours.Model;
    output: ours.FileOutput;
    page: ours.Page<ours.Model>;
    prediction: ours.Prediction;
    secret: ours.WebhookSecret;
    training: ours.Training;
    version: ours.ModelVersion;
  }>,
  client: Replicate,
): void {
  to<theirs.Account>(all.account);
  to<theirs.Collection>(all.collection);
  to<theirs.Deployment>(all.deployment);
  to<theirs.ApiError>(all.error);
  to<theirs.ServerSentEvent>(all.event);
  to<theirs.FileObject>(all.file);
  to<theirs.Hardware>(all.hardware);
  to<theirs.Model>(all.model);
  to<theirs.FileOutput>(all.output);
  to<theirs.Page<theirs.Model>>(all.page);
  to<theirs.Prediction>(all.prediction);
  to<theirs.WebhookSecret>(all.secret);
  to<theirs.Training>(all.training);
  to<theirs.ModelVersion>(all.version);
  to<Official>(client);
}

export function dataIsMadeAsTheirs({
  all,
}: Data<{
  account: theirs.Account;
  collection: theirs.Collection;
  deployment: theirs.Deployment;
  error: theirs.ApiError;
  event: theirs.ServerSentEvent;
  file: theirs.FileObject;
  hardware: theirs.Hardware;
  model: theirs.Model;
  page: theirs.Page<theirs.Model>;
  prediction: theirs.Prediction;
  secret: theirs.WebhookSecret;
  training: theirs.Training;
  version: theirs.ModelVersion;
}>): void {
  to<ours.Account>(all.account);
  to<ours.Collection>(all.collection);
  to<ours.Deployment>(all.deployment);
  to<ours.ApiError>(all.error);
  to<ours.ServerSentEvent>(all.event);
  to<ours.FileObject>(all.file);
  to<ours.Hardware>(all.hardware);
  to<ours.Model>(all.model);
  to<ours.Page<ours.Model>>(all.page);
  to<ours.Prediction>(all.prediction);
  to<ours.WebhookSecret>(all.secret);
  to<ours.Training>(all.training);
  to<ours.ModelVersion>(all.version);
}

export function namesOfValuesAreTheSame(): void {
  fits<theirs.Status, ours.Status>();
  fits<ours.Status, theirs.Status>();
  fits<theirs.Visibility, ours.Visibility>();
  fits<ours.Visibility, theirs.Visibility>();
  fits<theirs.WebhookEventType, ours.WebhookEventType>();
  fits<ours.WebhookEventType, theirs.WebhookEventType>();
  fits<ours.FileEncodingStrategy, theirs.FileEncodingStrategy>();
}

type Method = (...args: never[]) => unknown;

/** Checks that their function can replace ours, ours accepts their arguments, and its result is assignable to theirs. */
function replaces<Ours extends Method, Theirs extends Method>(
  _theirs: Theirs extends Ours ? Theirs : never,
  _args: Parameters<Theirs> extends Parameters<Ours> ? true : false,
  _result: ReturnType<Ours> extends ReturnType<Theirs> ? true : false,
): void {}

export function methodsAreReplaced(o: Official): void {
  replaces<Replicate["run"], Official["run"]>(o.run, true, true);
  replaces<Replicate["stream"], Official["stream"]>(o.stream, true, true);
  replaces<Replicate["request"], Official["request"]>(o.request, true, true);
  replaces<Replicate["paginate"], Official["paginate"]>(o.paginate, true, true);
  replaces<Replicate["wait"], Official["wait"]>(o.wait, true, true);
  replaces<Replicate["fetch"], Official["fetch"]>(o.fetch, true, true);
  type D = [Replicate["deployments"], Official["deployments"]];
  replaces<D[0]["create"], D[1]["create"]>(o.deployments.create, true, true);
  replaces<D[0]["update"], D[1]["update"]>(o.deployments.update, true, true);
  replaces<D[0]["delete"], D[1]["delete"]>(o.deployments.delete, true, true);
  replaces<D[0]["get"], D[1]["get"]>(o.deployments.get, true, true);
  replaces<D[0]["list"], D[1]["list"]>(o.deployments.list, true, true);
  replaces<D[0]["predictions"]["create"], D[1]["predictions"]["create"]>(
    o.deployments.predictions.create,
    true,
    true,
  );
  type F = [Replicate["files"], Official["files"]];
  replaces<F[0]["create"], F[1]["create"]>(o.files.create, true, true);
  replaces<F[0]["delete"], F[1]["delete"]>(o.files.delete, true, true);
  replaces<F[0]["get"], F[1]["get"]>(o.files.get, true, true);
  replaces<F[0]["list"], F[1]["list"]>(o.files.list, true, true);
  type M = [Replicate["models"], Official["models"]];
  replaces<M[0]["create"], M[1]["create"]>(o.models.create, true, true);
  replaces<M[0]["get"], M[1]["get"]>(o.models.get, true, true);
  replaces<M[0]["list"], M[1]["list"]>(o.models.list, true, true);
  replaces<M[0]["search"], M[1]["search"]>(o.models.search, true, true);
  replaces<M[0]["versions"]["get"], M[1]["versions"]["get"]>(o.models.versions.get, true, true);
  replaces<M[0]["versions"]["list"], M[1]["versions"]["list"]>(o.models.versions.list, true, true);
  type P = [Replicate["predictions"], Official["predictions"]];
  replaces<P[0]["cancel"], P[1]["cancel"]>(o.predictions.cancel, true, true);
  replaces<P[0]["create"], P[1]["create"]>(o.predictions.create, true, true);
  replaces<P[0]["get"], P[1]["get"]>(o.predictions.get, true, true);
  replaces<P[0]["list"], P[1]["list"]>(o.predictions.list, true, true);
  type T = [Replicate["trainings"], Official["trainings"]];
  replaces<T[0]["cancel"], T[1]["cancel"]>(o.trainings.cancel, true, true);
  replaces<T[0]["create"], T[1]["create"]>(o.trainings.create, true, true);
  replaces<T[0]["get"], T[1]["get"]>(o.trainings.get, true, true);
  replaces<T[0]["list"], T[1]["list"]>(o.trainings.list, true, true);
  type V = [typeof ours.validateWebhook, typeof theirs.validateWebhook];
  // Ours accepts other kinds of requests too.
  fits<Parameters<V[0]>, Parameters<V[1]>>();
  fits<ReturnType<V[1]>, ReturnType<V[0]>>();
  type L = [typeof ours.parseProgressFromLogs, typeof theirs.parseProgressFromLogs];
  replaces<L[0], L[1]>(() => null, true, true);
}

export function namespacesAndOptionsAreReplaced(client: Replicate, o: Official): void {
  client.auth = o.auth;
  client.fetch = o.fetch;
  client.accounts = o.accounts;
  client.collections = o.collections;
  client.deployments = o.deployments;
  client.hardware = o.hardware;
  client.trainings = o.trainings;
  client.webhooks = o.webhooks;
  fits<ConstructorParameters<typeof ours.default>, ConstructorParameters<typeof theirs.default>>();
}
