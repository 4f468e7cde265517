// Pictures on request: an Express application that starts predictions and receives their webhooks.
//
//     npm install replicant express
//     PUBLIC_URL=https://pictures.example.com REPLICATE_API_TOKEN=r8_... node server.mjs
//
// `PUBLIC_URL` is where the API reaches this application.
import express from "express";
import { MemoryStore, webhook } from "replicant/webhooks/express";

export const MODEL = "black-forest-labs/flux-schnell";

/**
 * Returns the application.
 *
 * @param {import("replicant").Replicate} replicate
 * @param {() => string} publicUrl
 */
export function application(replicate, publicUrl) {
  const app = express();
  /** Pictures by the id of their prediction. In production this is a database. */
  const pictures = new Map();

  app.post("/pictures", express.json(), async (request, response) => {
    const { id } = await replicate.predictions.create({
      model: MODEL,
      input: { prompt: request.body.prompt },
      webhook: `${publicUrl()}/webhook`,
      webhook_events_filter: ["completed"],
    });
    if (!pictures.has(id)) pictures.set(id, { status: "starting", urls: [] });
    response.status(202).json({ id });
  });

  // In production, with several processes: a store that they share.
  const store = new MemoryStore();
  app.post(
    "/webhook",
    webhook(
      replicate,
      ({ id, status, output, error }) => {
        pictures.set(id, { status, urls: output ?? [], error });
      },
      { store },
    ),
  );

  app.get("/pictures/:id", (request, response) => {
    const picture = pictures.get(request.params.id);
    if (picture) response.json(picture);
    else response.sendStatus(404);
  });

  return app;
}
