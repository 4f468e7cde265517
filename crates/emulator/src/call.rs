//! One request, as handlers see it.

use std::convert::Infallible;

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde_json::value::RawValue;

use crate::app::App;
use crate::json::Raw;
use crate::problem::Problem;

pub(crate) type Reply = Result<Response, Problem>;

/// The body, read by the outermost layer, which has to record it.
#[derive(Clone)]
pub(crate) struct ReadBody(pub(crate) Bytes);

/// A request with its body, and the address it was sent to.
pub(crate) struct Call {
    pub(crate) app: App,
    /// The address the client used, so that URLs in answers lead back the same way.
    pub(crate) origin: String,
    pub(crate) method: Method,
    /// The path, still encoded.
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
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
            origin: origin(app, &parts.headers),
            method: parts.method,
            path: parts.uri.path().to_owned(),
            query: url::form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
            headers: parts.headers,
            body,
            parameters: parameters.unwrap_or_default(),
        })
    }
}

fn origin(app: &App, headers: &HeaderMap) -> String {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let plain =
        |host: &&str| host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".:-[]".contains(&byte));
    host.filter(plain).map_or_else(|| app.origin.clone(), |host| format!("http://{host}"))
}

impl Call {
    /// The path's parameter at this position.
    pub(crate) fn parameter(&self, index: usize) -> &str {
        self.parameters.get(index).map_or("", String::as_str)
    }

    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        let mut pairs = self.query.iter();
        pairs.find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as a JSON object.
    pub(crate) fn json(&self) -> Result<crate::json::Object, Problem> {
        if let Ok(object) = serde_json::from_slice(&self.body) {
            return Ok(object);
        }
        Err(match serde_json::from_slice::<&RawValue>(&self.body) {
            Ok(_) => Problem::bad_request("The request body must be a JSON object."),
            Err(error) => Problem::bad_request(format!("The request body is not valid JSON: {error}")),
        })
    }
}

/// A JSON answer with status 200.
pub(crate) fn ok(body: Raw) -> Response {
    json(StatusCode::OK, body)
}

pub(crate) fn json(status: StatusCode, body: Raw) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/json")];
    (status, headers, body.get().to_owned()).into_response()
}

/// An answer without a body.
pub(crate) fn empty(status: StatusCode) -> Response {
    status.into_response()
}
