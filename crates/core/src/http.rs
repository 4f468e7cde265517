//! HTTP: requests as data, bodies, the retry policy and server-sent events. Independent of the API.

pub(crate) mod body_progress;
pub(crate) mod content_coding;
pub(crate) mod deadline;
pub(crate) mod digest;
pub(crate) mod excerpt;
pub(crate) mod headers;
pub(crate) mod multipart;
pub(crate) mod rate_limit;
pub(crate) mod request;
pub(crate) mod retry;
pub(crate) mod secrets;
pub(crate) mod sse;
pub(crate) mod time_limit;
pub mod transport;
pub(crate) mod url;
