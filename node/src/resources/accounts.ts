import { requestParams } from "../call-options";
import type { RequestOptions } from "../options";
import type { Account } from "../types";
import { Resource } from "./resource";

/** Methods of accounts. */
export class Accounts extends Resource {
  /**
   * Returns the account of the token. `GET /account`
   *
   * @throws {AuthenticationError} if the API refuses the token
   */
  current(options: RequestOptions = {}): Promise<Account> {
    return this.calls.call("account.get", requestParams(options), options);
  }
}
