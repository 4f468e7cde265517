/** What there is on Replicate besides models: accounts, collections, hardware; and webhooks' secret. */
import { list, type PagePromise } from "../page";
import { requestParams } from "../params";
import type {
  Account,
  Collection,
  Hardware,
  ListOptions,
  Page,
  RequestOptions,
  WebhookSecret,
} from "../types";
import { Resource } from "./resource";

/** The account of the token. */
export class Accounts extends Resource {
  /** The account that the token belongs to. `GET /account` */
  current(options: RequestOptions = {}): Promise<Account> {
    return this.bridge.call("account.get", requestParams(options), options);
  }
}

/** Sets of models put together by Replicate. */
export class Collections extends Resource {
  /** All collections. `GET /collections` */
  list<P extends PagePromise<Collection> = PagePromise<Collection>>(options?: ListOptions): P;
  list<_P extends PagePromise<Collection> = PagePromise<Collection>>(
    options?: ListOptions,
  ): Promise<Page<Collection>>;
  list(options: ListOptions = {}): PagePromise<Collection> {
    return list(this.bridge, "collections.list", requestParams(options), options);
  }

  /** A collection with its models. `GET /collections/{slug}` */
  get(slug: string, options: RequestOptions = {}): Promise<Collection> {
    return this.bridge.call("collections.get", { slug, ...requestParams(options) }, options);
  }
}

/** Kinds of machines. */
export class HardwareList extends Resource {
  /** All kinds of machines that models and deployments can run on. `GET /hardware` */
  list(options: RequestOptions = {}): Promise<Hardware[]> {
    return this.bridge.call("hardware.list", requestParams(options), options);
  }
}

/** The key that webhooks are signed with. */
export class WebhookSecrets extends Resource {
  /** The key that this account's webhooks are signed with. `GET /webhooks/default/secret` */
  get(options: RequestOptions = {}): Promise<WebhookSecret> {
    return this.bridge.call("webhooks.default.secret.get", requestParams(options), options);
  }
}
