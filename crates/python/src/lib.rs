//! replicant-python
