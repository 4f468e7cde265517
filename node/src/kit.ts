/** The testing kit's parts of this platform. The bundle for the web has `platform/web-kit` instead. */
export { assertionError, control, Models, Program, setVariables } from "./platform/node-kit";
