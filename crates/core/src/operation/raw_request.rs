//! Requests to any endpoint.

use serde::Deserialize;

use crate::{
    client::{
        Client,
        call::Call,
        page::{List, page_at},
        response::Expect,
    },
    error::{Error, Result},
    http::{
        headers::check_header,
        request::{Body, Request, RequestTarget},
    },
    value::{Object, Value},
};

/// Returns the URL of `path`: a path relative to the base URL, with an optional query, or a URL.
pub(super) fn url_of(client: &Client, path: &str) -> Result<url::Url> {
    let invalid =
        |error| Error::invalid_argument("path", format!("is not a path of the API or a URL: {error}"));
    match path.split_once("://") {
        // The query of a path may also contain a URL.
        Some((scheme, _)) if !scheme.contains(['/', '?']) => url::Url::parse(path).map_err(invalid),
        _ => {
            let base = client.config().base_url.as_str();
            url::Url::parse(&format!("{base}/{}", path.trim_start_matches('/'))).map_err(invalid)
        }
    }
}

/// A request to any endpoint, including those that this version of the crate does not know.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRequest {
    /// A path relative to the base URL, or a URL.
    path: String,
    #[serde(default)]
    method: Option<String>,
    #[serde(default)]
    params: Object,
    #[serde(default)]
    headers: indexmap::IndexMap<String, String>,
    /// Body. Bytes are sent unchanged, other values as JSON.
    #[serde(default)]
    data: Option<Value>,
}

impl RawRequest {
    pub fn call(self, client: &Client) -> Call<Value> {
        Call::expecting(client, self.request(client), Expect::Bytes)
    }

    fn request(self, client: &Client) -> Result<Request> {
        const METHODS: [&str; 8] = ["GET", "POST", "PUT", "PATCH", "DELETE", "QUERY", "HEAD", "OPTIONS"];
        let method = self.method.unwrap_or_else(|| "GET".into()).to_ascii_uppercase();
        let method = METHODS.into_iter().find(|known| *known == method).ok_or_else(|| {
            Error::invalid_argument(
                "method",
                format!("must be one of {}, not {method:?}", METHODS.join(", ")),
            )
        })?;
        let target = RequestTarget::Url(url_of(client, &self.path)?);
        let mut request = Request::with_method(method, target);
        for (name, value) in self.params {
            request = request.query(&name, Some(value));
        }
        for (name, value) in self.headers {
            check_header("headers", &name, &value)?;
            request = request.header(&name.to_ascii_lowercase(), value);
        }
        Ok(match self.data {
            None | Some(Value::Null) => request,
            Some(Value::Bytes(bytes)) => request.body(Body::Raw { content_type: None, bytes }),
            Some(value) => request.json(value),
        })
    }
}

/// A list at any path, or the URL of one of its pages.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PagePath {
    path: String,
}

impl PagePath {
    pub fn list(self, client: &Client) -> List<Value> {
        let first = url_of(client, &self.path).and_then(|url| page_at(client, url.as_str()));
        List::new(client, first)
    }
}
