import { requestParams } from "../call-options";
import type { RequestOptions } from "../options";
import type { Hardware } from "../types";
import { Resource } from "./resource";

/** Methods of hardware. */
export class HardwareList extends Resource {
  /**
   * Lists the hardware that models and deployments can run on. `GET /hardware`
   *
   * @throws {AuthenticationError} if the API refuses the token
   */
  list(options: RequestOptions = {}): Promise<Hardware[]> {
    return this.calls.call("hardware.list", requestParams(options), options);
  }
}
