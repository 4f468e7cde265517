//! Replaces `built_in` on the web, where the binding passes a transport and a runtime.

use std::sync::Arc;

use url::Url;

use super::options::{DefaultedOptions, Options};
use crate::{
    error::{Error, ErrorKind, Result},
    http::transport::Transport,
    platform::Runtime,
};

pub(super) fn default_transport(_: &DefaultedOptions, _: &Options) -> Result<Arc<dyn Transport>> {
    Err(Error::invalid_argument("transport", "is required on this platform"))
}

pub(super) fn default_runtime(_: f64) -> Result<Arc<dyn Runtime>> {
    Err(Error::invalid_argument("runtime", "is required on this platform"))
}

pub(super) fn proxy_for(_: Option<&str>, _: &Url) -> Option<String> {
    None
}

/// Rejects options of the built-in HTTP client.
pub(super) fn check_supported(options: &Options) -> Result<()> {
    let Some(name) = options.given_transport_option() else { return Ok(()) };
    let message =
        format!("`{name}` needs the sockets of an operating system; pass a `fetch` that connects this way");
    Err(Error::new(ErrorKind::Unsupported, message).about(name))
}
