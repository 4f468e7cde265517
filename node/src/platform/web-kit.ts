/** Stands for the testing kit of Node in the web build, where no emulator can be created. */
import type { Addresses } from "../testing-types";

function unsupported(): never {
  throw new Error("the emulator needs an operating system");
}

export const assertionError = unsupported;
export const control = unsupported;
export const setVariables = unsupported;

export class Models {
  add = unsupported;
}

export class Program {
  readonly addresses = {} as Addresses;
  stop = unsupported;

  constructor() {
    const message =
      "the emulator needs an operating system; run it in Node or Python and pass its address as `baseUrl`";
    throw { failure: JSON.stringify({ code: "unsupported", message }) };
  }
}
