/**
 * Returns the path of the program `replicant-emulator`.
 *
 * @throws {Error} if the package for this platform is missing; the message says what to install
 */
export declare function binary(): string;
