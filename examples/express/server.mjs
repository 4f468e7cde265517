// Starts the application on the port in `PORT`.
import Replicate from "replicant";
import { application } from "./app.mjs";

const { PORT = "3000", PUBLIC_URL } = process.env;
if (!PUBLIC_URL) {
  console.error("`PUBLIC_URL` must be the URL at which the API reaches this application");
  process.exit(1);
}
application(new Replicate(), () => PUBLIC_URL, "pictures").listen(Number(PORT));
