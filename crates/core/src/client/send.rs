//! Sends a request with its retries and returns the response or an error.

use serde::de::DeserializeOwned;

use super::{
    Client,
    reading::{Reading, Received},
    response::{Expect, Payload, Reply},
    sending::Sending,
};
use crate::{
    error::{Error, Result, decode},
    http::{request::Request, transport::HttpResponse},
};

impl Client {
    /// Sends a request and decodes the response into `T`.
    pub(crate) async fn fetch<T: DeserializeOwned>(&self, request: &Request) -> Result<T> {
        self.send(request, Expect::Object).await.and_then(|reply| decode(reply.value))
    }

    /// Sends a request and decodes the response according to `expect`.
    pub(crate) async fn send(&self, request: &Request, expect: Expect) -> Result<Reply> {
        let reading = Reading::Decode { expect, as_text: false };
        self.send_and_read(request, reading).await?.payload()?.map(Payload::into_value)
    }

    /// Like [`Client::send`], but returns JSON as text.
    pub(crate) async fn send_as_text(&self, request: &Request, expect: Expect) -> Result<Reply<Payload>> {
        self.send_and_read(request, Reading::Decode { expect, as_text: true }).await?.payload()
    }

    /// Sends a request and returns the response with its body unread.
    pub(crate) async fn open(&self, request: &Request) -> Result<HttpResponse> {
        self.send_and_read(request, Reading::Leave).await?.unread()
    }

    /// Sends a request and reads the response. Adds the request to an error and redacts the token.
    async fn send_and_read(&self, request: &Request, reading: Reading) -> Result<Received> {
        let mut sending = Sending::new(self, request, reading);
        let result = sending.run().await;
        sending.report.finished(result.as_ref().err());
        result.map_err(|error| {
            self.without_token(error.with_request(request.method, self.redacted_url(request)))
        })
    }

    /// Redacts the token in an error, because the server or a model may echo it.
    pub(crate) fn without_token(&self, error: Error) -> Error {
        match self.redactable_token() {
            Some(token) => error.redact(token),
            None => error,
        }
    }

    /// Returns the token, unless it is too short to be real and would match parts of words.
    pub(super) fn redactable_token(&self) -> Option<&str> {
        self.config().token.as_deref().filter(|token| token.len() >= 8)
    }
}
