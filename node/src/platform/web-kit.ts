/** Stands for the testing kit of Node in the web build, where no emulator can be created. */
import type { Addresses } from "../testing-types";

function unavailable(): never {
  throw new Error("the emulator needs an operating system");
}

export const assertionError = unavailable;
export const control = unavailable;
export const setVariables = unavailable;

export class Models {
  add = unavailable;
}

export class Program {
  readonly addresses = {} as Addresses;
  stop = unavailable;

  constructor() {
    const message =
      "the emulator needs an operating system; run it in Node or Python and pass its address as `baseUrl`";
    throw { failure: JSON.stringify({ code: "unsupported", message }) };
  }
}
