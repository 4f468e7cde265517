//! Reads a successful response as its request asked.

use bytes::Bytes;
use futures_util::StreamExt;

use super::{
    Client,
    report::log_response_body,
    response::{Expect, Payload, Reply, decode_body, keep_body},
};
use crate::{
    error::{Error, ErrorKind, Result, header},
    http::{
        body_progress::BodyProgress,
        transport::{BodySource, HttpResponse, StreamBody, check_size},
    },
    platform::{BoxFuture, run_blocking},
};

/// Bodies of at least this many bytes are decoded on another thread, so that other requests do not wait.
const DECODED_ELSEWHERE: usize = 1 << 20;

/// How to read a response. Not generic, so that attempts are compiled once.
#[derive(Clone, Copy)]
pub(super) enum Reading {
    Value(Expect),
    Text(Expect),
    Nothing,
}

impl Reading {
    pub fn is_of_a_file(self) -> bool {
        matches!(self, Self::Value(Expect::File) | Self::Text(Expect::File))
    }

    fn decode(self, status: u16, headers: Vec<(String, String)>, body: Bytes) -> Result<Received> {
        match self {
            Self::Value(expect) => {
                let value = decode_body(expect, status, &headers, body)?;
                Ok(Received::Value(Reply { value, status, headers }))
            }
            Self::Text(expect) => {
                let value = keep_body(expect, status, &headers, body)?;
                Ok(Received::Text(Reply { value, status, headers }))
            }
            Self::Nothing => Err(unexpected_reading()),
        }
    }
}

/// A response that was read as [`Reading`] says.
pub(super) enum Received {
    Value(Reply),
    Text(Reply<Payload>),
    Unread(HttpResponse),
}

pub(super) fn unexpected_reading() -> Error {
    Error::new(ErrorKind::Internal, "the response was read in another way than requested")
}

impl Client {
    /// Reads a successful response.
    pub(super) fn read(
        &self,
        method: &'static str,
        response: HttpResponse,
        reading: Reading,
        progress: Option<BodyProgress>,
    ) -> BoxFuture<'static, Result<Received>> {
        let limit = self.config().max_response_size;
        let client = self.config().log_bodies.then(|| self.clone());
        Box::pin(async move {
            if let Reading::Nothing = reading {
                return Ok(Received::Unread(response));
            }
            let HttpResponse { status, headers, body } = response;
            let body = match progress {
                Some(progress) => count_bytes(body, progress).bytes(u64::MAX).await?,
                None => {
                    let declared = header(&headers, "content-length").and_then(|length| length.parse().ok());
                    check_size(declared.unwrap_or(0), limit)?;
                    body.bytes(limit).await?
                }
            };
            if let Some(client) = &client {
                log_response_body(client, method, status, &body);
            }
            if body.len() >= DECODED_ELSEWHERE {
                let decoded = run_blocking(move || reading.decode(status, headers, body)).await;
                return decoded.map_err(|error| {
                    Error::new(ErrorKind::Internal, format!("the response was not decoded: {error}"))
                })?;
            }
            reading.decode(status, headers, body)
        })
    }
}

/// Wraps a body to count its bytes as they arrive.
fn count_bytes(body: Box<dyn BodySource>, progress: BodyProgress) -> Box<dyn BodySource> {
    let chunks =
        body.stream().inspect(move |chunk| progress.add(chunk.as_ref().map_or(0, bytes::Bytes::len)));
    Box::new(StreamBody(Box::pin(chunks)))
}
