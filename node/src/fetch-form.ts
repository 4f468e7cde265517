/** Uploads as `FormData`, which is what test doubles of the official package look into. */
import type { Outgoing } from "./fetch";

/**
 * Calls `send` with the form that the body of `init` holds, and again with the bytes if the implementation does not
 * know `FormData`. A request without a whole form in it is sent as it is.
 *
 * @param own whether the core built the form; otherwise it is the user's
 */
export async function asForm(
  init: Outgoing,
  own: boolean,
  send: (init: Outgoing) => Promise<Response>,
): Promise<Response> {
  const form = await formOf(init, own);
  if (form === undefined) return send(init);
  let unknown = false;
  // node-fetch, and undici for the form of another undici, make text of a body that they do not know.
  Object.defineProperty(form, "toString", {
    value: () => {
      unknown = true;
      throw new TypeError("this `fetch` does not know FormData");
    },
  });
  const { "Content-Type": _type, "Content-Length": _length, ...headers } = init.headers;
  try {
    return await send({ ...init, headers, body: form });
  } catch (error) {
    if (unknown) return send(init);
    throw error;
  }
}

async function formOf({ headers, body }: Outgoing, own: boolean): Promise<FormData | undefined> {
  const type = headers["Content-Type"] ?? "";
  if (!(body instanceof Uint8Array) || !type.startsWith("multipart/form-data")) return undefined;
  const form = await new Response(body as BodyInit, { headers: { "content-type": type } }).formData();
  for (const [name, value] of own ? [...form] : []) {
    // Beside the file stands JSON. A string would lose its type; the official package sends a Blob, too.
    if (typeof value === "string") form.set(name, new Blob([value], { type: "application/json" }));
  }
  return form;
}
