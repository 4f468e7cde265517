//! A request and the responses to it.

use std::convert::Infallible;

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde_json::value::RawValue;

use crate::http::problem::Problem;
use crate::state::App;
use crate::support::json::{Object, Raw};

/// The result of a handler.
pub(crate) type Reply = Result<Response, Problem>;

/// The body in the request's extensions. The outermost layer has read it in order to record it.
#[derive(Clone)]
pub(crate) struct ReadBody(pub(crate) Bytes);

/// The scheme of the URL that the client used, in the request's extensions.
#[derive(Clone, Copy)]
pub(crate) struct Scheme(pub(crate) &'static str);

/// A request with its body.
pub(crate) struct Call {
    pub(crate) app: App,
    /// The origin that the client used, for the URLs in responses.
    pub(crate) origin: String,
    pub(crate) method: Method,
    /// The path, percent-encoded.
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// The parameters in the path, decoded.
    pub(crate) parameters: Vec<String>,
}

impl FromRequest<App> for Call {
    type Rejection = Infallible;

    async fn from_request(request: Request<Body>, app: &App) -> Result<Self, Infallible> {
        let (mut parts, _) = request.into_parts();
        let parameters = Path::<Vec<(String, String)>>::from_request_parts(&mut parts, app).await;
        let parameters = parameters.map(|Path(all)| all.into_iter().map(|(_, value)| value).collect());
        let body = parts.extensions.remove::<ReadBody>().map(|body| body.0).unwrap_or_default();
        let query = parts.uri.query().unwrap_or_default();
        Ok(Self {
            app: app.clone(),
            origin: origin(app, &parts.headers, parts.extensions.get().copied()),
            method: parts.method,
            path: parts.uri.path().to_owned(),
            query: url::form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
            headers: parts.headers,
            body,
            parameters: parameters.unwrap_or_default(),
        })
    }
}

/// Returns the origin in the Host header, or the server's if that header is missing or malformed.
pub(crate) fn origin(app: &App, headers: &HeaderMap, scheme: Option<Scheme>) -> String {
    let Scheme(scheme) = scheme.unwrap_or(Scheme("http"));
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let valid =
        |host: &&str| host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".:-[]".contains(&byte));
    host.filter(valid).map_or_else(|| app.origin.clone(), |host| format!("{scheme}://{host}"))
}

impl Call {
    /// Returns the path parameter at this position.
    pub(crate) fn parameter(&self, index: usize) -> &str {
        self.parameters.get(index).map_or("", String::as_str)
    }

    /// Returns `owner/name` from the first two path parameters.
    pub(crate) fn name(&self) -> String {
        format!("{}/{}", self.parameter(0), self.parameter(1))
    }

    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        let mut pairs = self.query.iter();
        pairs.find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Parses the body as a JSON object.
    pub(crate) fn json(&self) -> Result<Object, Problem> {
        if let Ok(object) = serde_json::from_slice(&self.body) {
            return Ok(object);
        }
        Err(match serde_json::from_slice::<&RawValue>(&self.body) {
            Ok(_) => Problem::bad_request("The request body must be a JSON object."),
            Err(error) => Problem::bad_request(format!("The request body is not valid JSON: {error}")),
        })
    }
}

/// Returns a JSON response with status 200.
pub(crate) fn ok(body: Raw) -> Response {
    json(StatusCode::OK, body)
}

/// Returns a JSON response.
pub(crate) fn json(status: StatusCode, body: Raw) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/json")];
    (status, headers, body.get().to_owned()).into_response()
}

/// Returns a response without a body.
pub(crate) fn empty(status: StatusCode) -> Response {
    status.into_response()
}
