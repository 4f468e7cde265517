// Signed webhooks for the tests of webhook handlers.
import { createHmac } from "node:crypto";

/** Has two spaces, so that encoding it again changes it. */
export const BODY = '{"id": "p1",  "status": "succeeded", "output": 1}';

/** Returns a function that signs a body like the emulator, and returns the headers. */
export function signer(secret) {
  const key = Buffer.from(secret.replace("whsec_", ""), "base64");
  return (body, age = 0) => {
    const timestamp = String(Math.floor(Date.now() / 1000) - age);
    const digest = createHmac("sha256", key).update(`msg_1.${timestamp}.${body}`).digest("base64");
    return {
      "content-type": "application/json",
      "webhook-id": "msg_1",
      "webhook-timestamp": timestamp,
      "webhook-signature": `v1,${digest}`,
    };
  };
}

/** Sends `body` and returns the status and the text of the response. */
export async function post(url, body, headers) {
  const response = await fetch(url, { method: "POST", headers, body });
  return { status: response.status, text: await response.text() };
}
