//! replicant-emulator
