//! Webhooks as arguments of handlers of [axum]. Needs the feature `axum`.

use axum::{
    body::{HttpBody, to_bytes},
    extract::{FromRef, FromRequest, Request},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use http_body_util::LengthLimitError;

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
            return Err(WebhookRejection::too_large());
        }
        let body = to_bytes(body, LARGEST).await.map_err(|error| {
            let error = error.into_inner();
            if error.is::<LengthLimitError>() {
                return WebhookRejection::too_large();
            }
            let why = "the body of the webhook could not be read";
            Error::new(ErrorKind::WebhookBody, why).with_source(error).into()
        });
        Ok(client.webhooks().unwrap(&parts.headers, body?).await?)
    }
}

/// Why a request is not a valid webhook. Its response has the status 400, 401 or 413 and the message of the error; if the secret
/// could not be fetched, the status 500 and no message.
///
/// ```
/// use axum::response::IntoResponse;
/// use replicant::{Webhook, extract::WebhookRejection};
///
/// let error = Webhook::from_headers([], b"{}").unwrap_err();
/// assert_eq!(WebhookRejection::from(error).into_response().status(), 400);
/// ```
#[derive(Debug)]
pub struct WebhookRejection {
    error: Error,
    status: Option<u16>,
}

impl WebhookRejection {
    fn too_large() -> Self {
        let why = format!("the body of the webhook is larger than {LARGEST} bytes");
        Self { error: Error::new(ErrorKind::WebhookBody, why), status: Some(413) }
    }

    /// Returns what is wrong with the request, or why the secret could not be fetched.
    pub fn error(&self) -> &Error {
        &self.error
    }
}

impl From<Error> for WebhookRejection {
    fn from(error: Error) -> Self {
        Self { status: error.kind().webhook_status(), error }
    }
}

impl IntoResponse for WebhookRejection {
    fn into_response(self) -> Response {
        match self.status.and_then(|status| StatusCode::from_u16(status).ok()) {
            Some(status) => (status, self.error.message().to_owned()).into_response(),
            None => {
                tracing::error!(target: "replicant", "a webhook could not be verified: {}", self.error);
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    }
}
