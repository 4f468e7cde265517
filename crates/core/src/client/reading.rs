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
    /// Reads the body. With `as_text`, JSON is only checked.
    Decode { expect: Expect, as_text: bool },
    /// Leaves the body unread.
    Leave,
}

impl Reading {
    pub fn is_of_a_file(self) -> bool {
        matches!(self, Self::Decode { expect: Expect::File, .. })
    }
}

/// A response that was read as [`Reading`] says.
pub(super) enum Received {
    Payload(Reply<Payload>),
    Unread(HttpResponse),
}

impl Received {
    pub fn payload(self) -> Result<Reply<Payload>> {
        match self {
            Self::Payload(reply) => Ok(reply),
            Self::Unread(_) => Err(unexpected_reading()),
        }
    }

    pub fn unread(self) -> Result<HttpResponse> {
        match self {
            Self::Unread(response) => Ok(response),
            Self::Payload(_) => Err(unexpected_reading()),
        }
    }
}

fn unexpected_reading() -> Error {
    Error::bug("the response was read in another way than requested")
}

fn decode(
    (expect, as_text): (Expect, bool),
    status: u16,
    headers: Vec<(String, String)>,
    body: Bytes,
) -> Result<Received> {
    let value = if as_text {
        keep_body(expect, status, &headers, body)?
    } else {
        decode_body(expect, status, &headers, body).map(Payload::Value)?
    };
    Ok(Received::Payload(Reply { value, status, headers }))
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
            let Reading::Decode { expect, as_text } = reading else { return Ok(Received::Unread(response)) };
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
                let decoded = run_blocking(move || decode((expect, as_text), status, headers, body)).await;
                return decoded.map_err(|error| {
                    Error::new(ErrorKind::Internal, format!("the response was not decoded: {error}"))
                })?;
            }
            decode((expect, as_text), status, headers, body)
        })
    }
}

/// Wraps a body to count its bytes as they arrive.
fn count_bytes(body: Box<dyn BodySource>, progress: BodyProgress) -> Box<dyn BodySource> {
    let chunks =
        body.stream().inspect(move |chunk| progress.add(chunk.as_ref().map_or(0, bytes::Bytes::len)));
    Box::new(StreamBody(Box::pin(chunks)))
}
