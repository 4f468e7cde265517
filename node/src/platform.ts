/** The platform of this build. The bundle for the web has `platform/web` instead: see `scripts/bundle.mjs`. */
export { platform } from "./platform/node";
