/** What the testing kit needs of Node. */
export { control } from "./control";
export { Models } from "./models";
