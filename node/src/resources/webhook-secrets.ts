import { requestParams } from "../call-options";
import type { RequestOptions } from "../options";
import type { WebhookSecret } from "../types";
import { Resource } from "./resource";

/** Methods of the secret that webhooks are signed with. */
export class WebhookSecrets extends Resource {
  /**
   * Returns the secret that this account's webhooks are signed with. `GET /webhooks/default/secret`
   *
   * @throws {AuthenticationError} if the API refuses the token
   */
  get(options: RequestOptions = {}): Promise<WebhookSecret> {
    return this.calls.call("webhooks.default.secret.get", requestParams(options), options);
  }
}
