/** What the testing kit needs of Node. */
export { assertionError } from "./assertion";
export { control } from "./control";
export { Models } from "./models";
export { Program } from "./program";
export { setVariables } from "./variables";
