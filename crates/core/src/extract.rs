//! Webhooks as arguments of handlers of [axum]. Needs the feature `axum`.

use axum::{
    body::{HttpBody, to_bytes},
    extract::{FromRef, FromRequest, Request},
    http::StatusCode,
    response::{IntoResponse, Response},
};

use crate::{
    client::Client,
    error::{Error, ErrorKind},
    resources::webhooks::WebhookEvent,
    webhook::{TOLERANCE, Webhook},
};

/// The size of the largest body to read. axum's `DefaultBodyLimit` does not apply.
const LARGEST: usize = 64 * 1024 * 1024;

/// Verifies the request as a webhook, with the secret of the account. The state of the router is the [`Client`] or
/// contains it; see [`FromRef`].
///
/// Bodies of up to 64 MiB are read, whatever the `DefaultBodyLimit`; the layer `RequestBodyLimitLayer` of tower-http sets a
/// smaller limit. Without signature headers and a current timestamp, the body is not read.
///
/// ```no_run
/// use axum::{Router, http::StatusCode, routing::post};
/// use replicant::{Client, resources::webhooks::WebhookEvent};
///
/// async fn webhook(event: WebhookEvent) -> StatusCode {
///     println!("{event:?}");
///     StatusCode::NO_CONTENT
/// }
///
/// # fn main() -> replicant::Result<()> {
/// let app: Router = Router::new().route("/webhook", post(webhook)).with_state(Client::from_env()?);
/// # Ok(()) }
/// ```
impl<S: Sync> FromRequest<S> for WebhookEvent
where
    Client: FromRef<S>,
{
    type Rejection = WebhookRejection;

    async fn from_request(request: Request, state: &S) -> Result<Self, Self::Rejection> {
        let client = Client::from_ref(state);
        let (parts, body) = request.into_parts();
        let headers = parts.headers.iter();
        let headers = headers.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        // Before the body is read, so that a request of anybody costs no memory.
        Webhook::from_headers(headers, b"")?.check_timestamp(client.runtime().now(), Some(TOLERANCE))?;
        if body.size_hint().lower() > LARGEST as u64 {
            let why = format!("the body of the webhook is larger than {LARGEST} bytes");
            return Err(Error::new(ErrorKind::WebhookBody, why).into());
        }
        let body = to_bytes(body, LARGEST).await.map_err(|error| {
            let why = format!("the body of the webhook could not be read, or is larger than {LARGEST} bytes");
            Error::new(ErrorKind::WebhookBody, why).with_source(error)
        });
        Ok(client.webhooks().unwrap(&parts.headers, body?).await?)
    }
}

/// Why a request is not a valid webhook. Its response has the status 400 or 401 and the message of the error; if the secret
/// could not be fetched, the status 500 and no message.
///
/// ```
/// use axum::response::IntoResponse;
/// use replicant::{Webhook, extract::WebhookRejection};
///
/// let error = Webhook::from_headers([], b"{}").unwrap_err();
/// assert_eq!(WebhookRejection(error).into_response().status(), 400);
/// ```
#[derive(Debug)]
pub struct WebhookRejection(pub Error);

impl From<Error> for WebhookRejection {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for WebhookRejection {
    fn into_response(self) -> Response {
        match self.0.kind().webhook_status().and_then(|status| StatusCode::from_u16(status).ok()) {
            Some(status) => (status, self.0.message().to_owned()).into_response(),
            None => {
                tracing::error!(target: "replicant", "a webhook could not be verified: {}", self.0);
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    }
}
