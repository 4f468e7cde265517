/** The events of webhooks: predictions and trainings with methods. */
import type { RequestOptions } from "./options";
import type { ModelDefined, Prediction, Training } from "./types";

/** Properties of an event. They are not enumerable, so that the event is serialized as the API sent it. */
interface Received<T, Type extends string> {
  /** What the webhook is about. */
  readonly type: Type;
  /** Id of the webhook, which is the same in all its deliveries. */
  readonly webhookId: string;
  /** Returns the current state. `GET /predictions/{id}` or `GET /trainings/{id}` */
  reload(options?: RequestOptions): Promise<T>;
  /** Cancels it, if it has not ended. `POST /predictions/{id}/cancel` or `POST /trainings/{id}/cancel` */
  cancel(options?: RequestOptions): Promise<T>;
}

/** A prediction, as it was when the API sent the webhook. */
export type PredictionEvent<Output = ModelDefined> = Prediction<Output> &
  Received<Prediction<Output>, "prediction">;

/** A training, as it was when the API sent the webhook. */
export type TrainingEvent = Training & Received<Training, "training">;

/** The event of a webhook; `type` tells which one. */
export type WebhookEvent<Output = ModelDefined> = PredictionEvent<Output> | TrainingEvent;
