"""The parts of `replicant.testing`: the control API of the emulator, and models defined by tests."""
