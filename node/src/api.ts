/** What the package exports. */
export type { MapItem } from "./batch";
export { Replicate } from "./client";
export * from "./errors";
export { EventStream, ServerSentEvent } from "./events";
export { FileOutput } from "./file-output";
export {
  Handle,
  type HandleCursor,
  type HandleEvent,
  type HandleEventOptions,
  type HandleJSON,
  type HandleOptions,
  type HandleResultOptions,
} from "./handle";
export type { RateLimit, RequestEvent, ResponseEvent, RetryEvent } from "./hooks";
export { MapResults } from "./map";
export type { MapStats } from "./map-stats";
export type {
  Fetch,
  FileEncodingStrategy,
  ListOptions,
  Logger,
  LogLevel,
  MapOptions,
  RawRequestOptions,
  ReplicateOptions,
  RequestOptions,
  RunOptions,
  SaveAllOptions,
  SaveOptions,
  SaveProgress,
  StreamOptions,
  UploadProgress,
  WaitOption,
  WaitOptions,
  WebhookEventType,
} from "./options";
export { ListPage, type PagePromise } from "./page";
export { parseProgressFromLogs } from "./progress";
export { type ModelReferenceParts, parseModelReference } from "./reference";
export type { DeploymentConfig } from "./resources/deployments";
export type { FileCreateOptions, FileInput } from "./resources/files";
export type { ModelConfig, ModelDescription, ModelListOptions } from "./resources/models";
export type {
  PredictionCreateOptions,
  PredictionInput,
  PredictionListOptions,
} from "./resources/predictions";
export type { TrainingOptions } from "./resources/trainings";
export type { UnwrapOptions, UnwrapRequest } from "./resources/webhooks";
export { withResponse } from "./responses";
export type {
  Account,
  Collection,
  Deployment,
  FileObject,
  Hardware,
  Metrics,
  Model,
  ModelDefined,
  ModelReference,
  ModelVersion,
  Page,
  Prediction,
  Progress,
  Responded,
  SearchResults,
  Status,
  Training,
  Visibility,
  WebhookSecret,
} from "./types";
export type { PredictionEvent, TrainingEvent, WebhookEvent } from "./webhook-events";
export {
  validateWebhook,
  verifyWebhook,
  type WebhookOptions,
  type WebhookParts,
  type WebhookRequest,
} from "./webhooks";
