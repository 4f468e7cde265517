//! replicant-node
