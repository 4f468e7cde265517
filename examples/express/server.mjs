// Starts the application on the port in `PORT`.
import Replicate from "replicant";
import { application } from "./app.mjs";

const { PORT = "3000", PUBLIC_URL = `http://localhost:${PORT}` } = process.env;
application(new Replicate(), () => PUBLIC_URL).listen(Number(PORT));
