/** Everything the package exports. */
export { withResponse } from "./bridge";
export { Replicate } from "./client";
export * from "./errors";
export { EventStream, ServerSentEvent } from "./events";
export { FileOutput, type SaveOptions, type SaveProgress } from "./file-output";
export type {
  Fetch,
  RawRequestOptions,
  ReplicateOptions,
  RunOptions,
  SaveAllOptions,
  StreamOptions,
  WaitOptions,
} from "./options";
export { ListPage, type PagePromise } from "./page";
export { parseProgressFromLogs } from "./progress";
export { type ModelReferenceParts, parseModelReference } from "./reference";
export type { DeploymentConfig } from "./resources/deployments";
export type { FileCreateOptions } from "./resources/files";
export type { ModelConfig, ModelDescription, ModelListOptions } from "./resources/models";
export type {
  PredictionCreateOptions,
  PredictionInput,
  PredictionListOptions,
} from "./resources/predictions";
export type { TrainingOptions } from "./resources/trainings";
export type * from "./types";
export type { UploadProgress } from "./uploads";
export {
  validateWebhook,
  verifyWebhook,
  type WebhookOptions,
  type WebhookParts,
  type WebhookRequest,
} from "./webhooks";
