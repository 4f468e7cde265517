//! The transport and the runtime of clients without their own.

use std::sync::Arc;

use super::options::{DefaultedOptions, Options};
use crate::{
    error::Result,
    http::transport::Transport,
    native::{HttpOptions, HttpTransport, TokioRuntime},
    platform::Runtime,
};

pub(super) use crate::native::proxy_for;

pub(super) fn default_transport(
    defaulted: &DefaultedOptions,
    options: &Options,
) -> Result<Arc<dyn Transport>> {
    let default = HttpOptions::default();
    let http = HttpOptions {
        connect_timeout: defaulted.connect_timeout,
        proxy: options.proxy.clone(),
        ca_bundle: options.ca_bundle.clone(),
        client_cert: options.client_cert.clone(),
        client_key: options.client_key.clone(),
        client_key_password: options.client_key_password.clone(),
        http2: options.http2.unwrap_or(default.http2),
        max_connections: options.max_connections,
        pool_idle_timeout: options.pool_idle_timeout.unwrap_or(default.pool_idle_timeout),
    };
    Ok(Arc::new(HttpTransport::new(http)?))
}

pub(super) fn default_runtime(clock_rate: f64) -> Result<Arc<dyn Runtime>> {
    Ok(Arc::new(TokioRuntime::with_rate(clock_rate)))
}

/// Accepts all options.
pub(super) fn check_supported(_: &Options) -> Result<()> {
    Ok(())
}
