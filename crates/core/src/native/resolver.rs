//! Resolves host names.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::net::lookup_host;

use crate::platform::BoxError;

/// Resolves as the platform does, in a thread. tokio panics if none can be started, which here is an error: a request that was
/// not sent.
pub(super) struct Resolver;

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            // The port is replaced by that of the URL.
            let looked_up = AssertUnwindSafe(lookup_host((name.as_str(), 0))).catch_unwind().await;
            match looked_up {
                Ok(found) => Ok(Box::new(found?.collect::<Vec<_>>().into_iter()) as Addrs),
                Err(_) => Err(BoxError::from("no thread could be started to resolve the host")),
            }
        })
    }
}
