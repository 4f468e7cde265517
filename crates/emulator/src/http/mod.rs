//! HTTP without endpoints: the listener, error responses, fault injection, rate limits and the request log.

pub(crate) mod access;
pub(crate) mod client;
pub(crate) mod fault;
pub(crate) mod gauges;
pub(crate) mod limits;
pub(crate) mod listener;
pub(crate) mod operations;
pub(crate) mod problem;
pub(crate) mod recorder;
#[cfg(feature = "tls")]
pub(crate) mod tls;
