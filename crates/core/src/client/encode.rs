//! Encodes requests as HTTP. The only module that attaches the token.

use std::time::Duration;

use url::Url;

use super::Client;
use crate::{
    error::{Error, ErrorKind, Result},
    http::{
        headers::{check_header, hold_of},
        request::{Body, Request, RequestTarget},
        retry::Idempotency,
        transport::{HttpBody, HttpRequest, HttpResponse},
        url::{has_query, redacted_url},
    },
    value::Value,
};

/// Headers that are sent after a redirect to another origin. All others may be secret.
const CROSS_ORIGIN_HEADERS: [&str; 6] =
    ["accept", "accept-encoding", "cache-control", "if-range", "last-event-id", "range"];

impl Client {
    /// Returns the URL of a request, including its query.
    pub(crate) fn url(&self, request: &Request) -> Url {
        let config = self.config();
        let mut url = match &request.target {
            RequestTarget::Url(url) => url.clone(),
            RequestTarget::Path(path) => {
                let mut url = config.base_url.clone();
                url.set_path(&[config.base_url.path(), path].concat());
                url
            }
        };
        let mut query = request.query.clone();
        if self.trusts(request, &url) {
            query.extend(request.options.query.iter().map(|(name, value)| (name.clone(), value.to_string())));
            for (name, value) in &config.query {
                if !has_query(&url, name) && query.iter().all(|(given, _)| given != name) {
                    query.push((name.clone(), value.clone()));
                }
            }
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    pub(crate) fn redacted_url(&self, request: &Request) -> String {
        redacted_url(&self.url(request))
    }

    /// Returns how long the server may hold the response, and whether a header of the user says so.
    pub(crate) fn hold(&self, request: &Request) -> (Duration, bool) {
        let of_user = request.options.headers.iter().rev().chain(self.config().headers.iter().rev());
        let of_request = request.headers.iter().rev();
        let headers = of_user
            .map(|(name, value)| (name, value, true))
            .chain(of_request.map(|(name, value)| (name, value, false)));
        // The server holds creates only.
        let mut headers = headers.filter(|_| request.idempotency == Idempotency::Once);
        let given = headers.find(|(name, ..)| name.eq_ignore_ascii_case("prefer"));
        given.map_or((Duration::ZERO, false), |(_, prefer, is_of_user)| (hold_of(prefer), is_of_user))
    }

    /// Encodes a request. Attaches the token if `url` may receive it.
    ///
    /// `cross_origin` is true after a redirect to another origin, also back at the API.
    pub(super) async fn http_request(
        &self,
        request: &Request,
        url: Url,
        cross_origin: bool,
    ) -> Result<HttpRequest> {
        let config = self.config();
        let mut headers: Vec<(String, String)> = Vec::with_capacity(6);
        headers.push(("user-agent".into(), config.user_agent.clone()));
        let allowed = |name: &str| !cross_origin || CROSS_ORIGIN_HEADERS.contains(&name);
        for (name, value) in request.headers.iter().filter(|(name, _)| allowed(name)) {
            set_header(&mut headers, name, value.clone());
        }
        let has_authorization = headers.iter().any(|(name, _)| name == "authorization");
        let to_api = !cross_origin && self.trusts(request, &url);
        if to_api {
            if let Some(token) = config.token.as_ref().filter(|_| !has_authorization) {
                set_header(&mut headers, "authorization", ["Bearer ", token].concat());
            }
            for (name, value) in config.headers.iter().chain(&request.options.headers) {
                check_header("headers", name, value)?;
                set_header(&mut headers, &name.to_ascii_lowercase(), value.clone());
            }
        }
        let body = match &request.body {
            Body::Empty => HttpBody::Empty,
            Body::Json(value) => {
                set_header(&mut headers, "content-type", "application/json".into());
                HttpBody::Bytes(json_body(value, request)?.into())
            }
            Body::Text(text) => {
                set_header(&mut headers, "content-type", "text/plain".into());
                HttpBody::Bytes(text.clone().into())
            }
            Body::Raw { content_type, bytes } => {
                if let Some(content_type) = content_type {
                    set_header(&mut headers, "content-type", content_type.clone());
                }
                HttpBody::Bytes(bytes.clone())
            }
            Body::Multipart(multipart) => {
                set_header(&mut headers, "content-type", multipart.content_type());
                multipart.open().await?
            }
        };
        Ok(HttpRequest { method: request.method, url, headers, body, to_api })
    }
}

fn json_body(value: &Value, request: &Request) -> Result<Vec<u8>> {
    if request.options.body.is_empty() {
        return Ok(value.to_json()?);
    }
    let mut merged = value.as_object().cloned().unwrap_or_default();
    merged.extend(request.options.body.clone());
    Ok(Value::Object(merged).to_json()?)
}

fn set_header(headers: &mut Vec<(String, String)>, name: &str, value: String) {
    match headers.iter_mut().find(|(existing, _)| existing == name) {
        Some(header) => header.1 = value,
        None => headers.push((name.to_owned(), value)),
    }
}

/// Returns the URL that a redirect points to.
pub(super) fn redirect_target(from: &Url, response: &HttpResponse) -> Result<Url> {
    let location = response.header("location").unwrap_or_default();
    let url = from.join(location).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    url.ok_or_else(|| {
        Error::new(
            ErrorKind::InvalidResponse,
            format!("{} redirects to {location:?}, which is not an http or https URL", redacted_url(from)),
        )
    })
}
