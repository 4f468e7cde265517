/** Sends uploads as `FormData`, which test doubles for the official package inspect. */
import type { Outgoing } from "./fetch-request";
import { globals } from "./globals";
import { readsBlobs } from "./platform/runtimes";

/**
 * Parses the form in the body of `init` and calls `send` with it, and again with the bytes if the implementation of
 * `fetch` does not support `FormData`. Sends other requests, and forms where it cannot read Blobs, unchanged.
 *
 * @param own whether the core built the form, rather than the user
 */
export function sendForm(
  init: Outgoing,
  own: boolean,
  send: (init: Outgoing) => Promise<Response>,
): Promise<Response> {
  const type = init.headers["Content-Type"] ?? "";
  const isForm = init.body instanceof Uint8Array && type.startsWith("multipart/form-data");
  return isForm && readsBlobs() ? sendParsed(init, type, own, send) : send(init);
}

async function sendParsed(
  init: Outgoing,
  type: string,
  own: boolean,
  send: (init: Outgoing) => Promise<Response>,
): Promise<Response> {
  const form = await formOf(init.body, type, own);
  let unsupported = false;
  // node-fetch, and undici with the FormData of another undici, convert an unknown body to text.
  Object.defineProperty(form, "toString", {
    value: () => {
      unsupported = true;
      throw new TypeError("this `fetch` does not support FormData");
    },
  });
  const { "Content-Type": _type, "Content-Length": _length, ...headers } = init.headers;
  try {
    return await send({ ...init, headers, body: form });
  } catch (error) {
    if (unsupported) return send(init);
    throw error;
  }
}

async function formOf(body: unknown, type: string, own: boolean): Promise<FormData> {
  const form = await new globals.Response(body as BodyInit, {
    headers: { "content-type": type },
  }).formData();
  for (const [name, value] of own ? [...form] : []) {
    // The other field is JSON. A Blob keeps its type, and the official package sends one too.
    if (typeof value === "string") form.set(name, new Blob([value], { type: "application/json" }));
  }
  return form;
}
