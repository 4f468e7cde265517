/** Stands for the testing kit of Node in the web build, where no emulator can be created. */
function unavailable(): never {
  throw new Error("the emulator needs an operating system");
}

export const control = unavailable;

export class Models {
  add = unavailable;
}
