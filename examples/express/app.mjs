// Pictures on request: an Express application that starts predictions and receives their webhooks.
// README.md says how to start it.
import express from "express";
import { ReplicateError } from "replicant";
import { MemoryStore, webhook } from "replicant/webhooks/express";

export const MODEL = "black-forest-labs/flux-schnell";

/**
 * Returns the application.
 *
 * @param {import("replicant").Replicate} replicate
 * @param {() => string} publicUrl the URL at which the API reaches it
 * @param {string} folder where it saves the pictures
 */
export function application(replicate, publicUrl, folder) {
  const app = express();
  /** Pictures by the id of their prediction. In production this is a database. */
  const pictures = new Map();

  app.post("/pictures", express.json(), async (request, response) => {
    const prompt = request.body?.prompt;
    if (typeof prompt !== "string") {
      response.status(400).json({ error: 'the body must be JSON, such as {"prompt": "a heron"}' });
      return;
    }
    const { id } = await replicate.predictions.create({
      model: MODEL,
      input: { prompt },
      webhook: `${publicUrl().replace(/\/$/, "")}/webhook`,
      webhook_events_filter: ["completed"],
    });
    if (!pictures.has(id)) pictures.set(id, { status: "starting", files: [] });
    response.status(202).json({ id });
  });

  // In production, with several processes: a store that they share.
  const store = new MemoryStore();
  app.post(
    "/webhook",
    webhook(
      replicate,
      async ({ id, status, output, error }) => {
        // The API deletes output files after an hour. If they cannot be saved, it delivers the webhook again.
        const files = await replicate.saveAll(output ?? [], folder);
        pictures.set(id, { status, files, error });
      },
      { store },
    ),
  );

  app.get("/pictures/:id", (request, response) => {
    const picture = pictures.get(request.params.id);
    if (picture) response.json(picture);
    else response.sendStatus(404);
  });

  // Express sets `error.status`, such as 400 for a body that is not JSON.
  app.use((error, _request, response, next) => {
    const status = error instanceof ReplicateError ? 502 : error.status;
    if (status) response.status(status).json({ error: error.message });
    else next(error);
  });

  return app;
}
