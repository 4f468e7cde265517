//! The body of a response.

use std::{future::poll_fn, pin::Pin, sync::Arc};

use bytes::Bytes;
use futures_util::stream;
use http_body::Body;
use tokio::sync::OwnedSemaphorePermit;
use url::Url;

use super::Network;
use crate::{
    error::Result,
    http::transport::{BodySource, check_size},
    platform::{BoxFuture, BoxStream},
};

/// Most bytes that a `content-length` preallocates.
const MAX_PREALLOCATION: u64 = 64 << 20;

/// Bytes of a body after which the thread turns to other requests. tokio counts only chunks, which are large if the network is
/// fast, so a large body would hold up all others.
const YIELD_AFTER: usize = 1 << 18;

/// Counts the bytes of a body since it last gave way.
#[derive(Default)]
pub(super) struct YieldCounter(usize);

impl YieldCounter {
    async fn count(&mut self, bytes: usize) {
        self.0 += bytes;
        if self.0 >= YIELD_AFTER {
            self.0 = 0;
            tokio::task::yield_now().await;
        }
    }
}

pub(super) struct ResponseBody {
    pub network: Arc<Network>,
    pub url: Url,
    pub http2: bool,
    pub body: reqwest::Body,
    pub counter: YieldCounter,
    /// Counts the connection against `max_connections`.
    pub _permit: Option<OwnedSemaphorePermit>,
}

impl ResponseBody {
    async fn chunk(&mut self) -> Result<Option<Bytes>> {
        loop {
            let frame = poll_fn(|context| Pin::new(&mut self.body).poll_frame(context)).await;
            match frame.transpose().map_err(|error| self.network.route(&self.url).failed(error))? {
                Some(frame) => {
                    // The others are trailers.
                    if let Ok(chunk) = frame.into_data() {
                        self.counter.count(chunk.len()).await;
                        return Ok(Some(chunk));
                    }
                }
                None if self.is_cut() => {
                    return Err(self.network.route(&self.url).broke("the response is incomplete"));
                }
                None => return Ok(None),
            }
        }
    }

    /// Returns `true` if the body ended before its last byte. hyper takes a reset with `NO_ERROR` for the end of a body.
    fn is_cut(&self) -> bool {
        self.http2 && !self.body.is_end_stream() && self.body.size_hint().exact() != Some(0)
    }
}

impl BodySource for ResponseBody {
    fn bytes(mut self: Box<Self>, limit: u64) -> BoxFuture<'static, Result<Bytes>> {
        Box::pin(async move {
            // Appended chunk by chunk: reqwest would collect the chunks first and then copy them.
            let length = self.body.size_hint().exact().unwrap_or(0).min(MAX_PREALLOCATION);
            let mut whole = Vec::with_capacity(length as usize);
            while let Some(chunk) = self.chunk().await? {
                check_size((whole.len() + chunk.len()) as u64, limit)?;
                whole.extend_from_slice(&chunk);
            }
            Ok(whole.into())
        })
    }

    fn stream(self: Box<Self>) -> BoxStream<'static, Result<Bytes>> {
        Box::pin(stream::unfold(Some(self), |body| async {
            let mut body = body?;
            let chunk = body.chunk().await.transpose()?;
            let rest = chunk.is_ok().then_some(body);
            Some((chunk, rest))
        }))
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn a_large_body_gives_way_to_other_requests() {
        let mut counter = YieldCounter::default();
        assert!(counter.count(YIELD_AFTER - 1).now_or_never().is_some());
        assert!(counter.count(1).now_or_never().is_none());
        assert!(counter.count(1).now_or_never().is_some());
    }
}
