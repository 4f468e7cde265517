/** The testing kit's parts of this platform. The bundle for the web has `platform/web-kit` instead. */
export { control, Models } from "./platform/node-kit";
