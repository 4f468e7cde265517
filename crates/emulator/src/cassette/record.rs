//! Forwards requests to the API and stores the exchanges.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use futures_util::{StreamExt, stream};
use indexmap::IndexMap;
use reqwest::redirect::Policy;

use super::draft::{self, Form, NewFiles};
use super::events::{Event, Splitter};
use super::exchange::{Exchange, StoredResponse};
use super::json::{Layout, rewrite};
use super::scrub::Scrubber;
use super::store::Store;
use super::urls::{self, API};
use super::{Request, play};
use crate::http::client::{build, cause};
use crate::http::problem::Problem;
use crate::support::lock;

const MOST_REDIRECTS: usize = 5;
/// The headers of a request that concern only one connection, or would make the response one to a part of the body.
const NOT_FORWARDED: [HeaderName; 13] = [
    header::HOST,
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::TE,
    header::UPGRADE,
    header::EXPECT,
    header::RANGE,
    header::IF_RANGE,
    header::IF_NONE_MATCH,
    header::ORIGIN,
    header::REFERER,
    header::COOKIE,
];

/// A cassette that is recorded.
pub(crate) struct Recorder {
    store: Arc<Store>,
    client: reqwest::Client,
    /// The origin of the API.
    upstream: String,
    /// Other origins whose URLs in responses lead through the recorder.
    others: Vec<String>,
    /// The tokens that clients have sent.
    tokens: Mutex<BTreeSet<String>>,
}

impl Recorder {
    /// `upstreams` are the origin of the API, and others whose URLs its responses have.
    pub(super) fn new(folder: &Path, upstreams: &[String]) -> Result<Self, String> {
        let parse = |text: &String| {
            let base = text.trim_end_matches('/').trim_end_matches("/v1");
            let origin = urls::origin(base).filter(|origin| origin == base);
            origin.ok_or_else(|| format!("an upstream must be a URL such as {API}, not {text:?}"))
        };
        let mut others = upstreams.iter().map(parse).collect::<Result<Vec<_>, _>>()?;
        let upstream = if others.is_empty() { API.to_owned() } else { others.remove(0) };
        // The files behind redirects are recorded, because their URLs expire.
        let client = build(|builder| builder.redirect(Policy::limited(MOST_REDIRECTS)))?;
        let store = Arc::new(Store::create(folder)?);
        Ok(Self { store, client, upstream, others, tokens: Mutex::default() })
    }

    pub(super) async fn respond(&self, request: Request) -> Response {
        self.forward(&request).await.unwrap_or_else(IntoResponse::into_response)
    }

    async fn forward(&self, request: &Request) -> Result<Response, Problem> {
        let url = urls::to_stored(&format!("{}{}", request.local, request.target), &request.local);
        let origin = urls::origin(&url).unwrap_or_default();
        if origin != API && !serves(&self.others, &origin) {
            let detail = format!("{origin:?} is not an upstream; to record it too, pass --upstream {origin}");
            return Err(Problem::new(StatusCode::FORBIDDEN, detail));
        }
        let number = self.store.next();
        let scrubber = self.scrubber(request.token());
        let (stored, files) = draft::request(request, &scrubber, &format!("{number:04}-"));
        let target = urls::exchange(&url, API, &self.upstream);
        let mut headers = request.headers.clone();
        for name in NOT_FORWARDED {
            headers.remove(name);
        }
        // Asks for no compression, because events are passed on as they arrive.
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        if origin != API {
            // The token is for the API only.
            headers.remove(header::AUTHORIZATION);
        }
        let sent = self.client.request(request.method.clone(), &target).headers(headers);
        let response =
            sent.body(self.body(request)).send().await.map_err(|error| unreachable(&target, &error))?;
        let coding = coding(response.headers());
        let (status, headers) = (response.status(), kept(response.headers()));
        let exchange = Exchange {
            request: stored,
            response: StoredResponse { status: status.as_u16(), headers, ..StoredResponse::default() },
            times: None,
        };
        let mut draft = Draft { number, exchange, files, scrubber, store: self.store.clone() };
        draft.edit_location(&self.upstream);
        let kind = draft.exchange.response.headers.get("content-type").cloned().unwrap_or_default();
        let headers = self.local_headers(&draft.exchange.response.headers, &request.local);
        let body = if kind.starts_with("text/event-stream") && coding.is_none() {
            self.stream(response, draft, request.local.clone())
        } else {
            let bytes = response.bytes().await.map_err(|error| unreachable(&target, &error))?;
            let bytes = decoded(coding.as_deref(), bytes).map_err(|error| {
                Problem::new(StatusCode::BAD_GATEWAY, format!("The body of {target} cannot be read: {error}"))
            })?;
            draft.set_body(&kind, &bytes, &self.upstream, &url);
            draft.save();
            Body::from(self.local_body(&kind, bytes, &request.local))
        };
        Ok((status, headers, body).into_response())
    }

    fn scrubber(&self, token: Option<&str>) -> Scrubber {
        let mut tokens = lock(&self.tokens);
        tokens.extend(token.map(str::to_owned));
        Scrubber::new(tokens.iter().map(String::as_str))
    }

    /// Returns the body of a request, with the API's URLs in place of the emulator's.
    fn body(&self, request: &Request) -> Bytes {
        let local = &request.local;
        let body = &request.body;
        match std::str::from_utf8(body) {
            Ok(text) if text.contains(local.as_str()) => {
                let edit = |text: &str| urls::exchange(&urls::to_stored(text, local), API, &self.upstream);
                rewrite(text, Layout::Compact, &mut |_, text| edit(text))
                    .map_or_else(|| body.clone(), Bytes::from)
            }
            _ => body.clone(),
        }
    }

    fn to_local(&self, text: &str, local: &str) -> String {
        urls::to_local(&urls::exchange(text, &self.upstream, API), local, |origin| {
            serves(&self.others, origin)
        })
    }

    fn local_headers(&self, headers: &IndexMap<String, String>, local: &str) -> HeaderMap {
        play::headers(headers, |text| self.to_local(text, local))
    }

    /// Returns the body of a response, with the emulator's URLs in place of the API's.
    fn local_body(&self, kind: &str, bytes: Bytes, local: &str) -> Bytes {
        match draft::form(kind, &bytes, &mut |_, text| self.to_local(text, local)) {
            Form::Json(json) => Bytes::from(json.get().to_owned()),
            Form::Text(text) => Bytes::from(text),
            Form::Empty | Form::Binary(_) => bytes,
        }
    }

    /// Passes the events of a stream on as they arrive.
    fn stream(&self, response: reqwest::Response, draft: Draft, local: String) -> Body {
        let (upstream, others) = (self.upstream.clone(), self.others.clone());
        let source = Some(response.bytes_stream());
        let state = (source, Splitter::default(), EventDraft { draft, events: Vec::new() });
        let events = stream::unfold(state, move |(source, mut splitter, mut draft)| {
            let (upstream, local, others) = (upstream.clone(), local.clone(), others.clone());
            async move {
                let mut source = source?;
                let block = loop {
                    if let Some(block) = splitter.next() {
                        break block;
                    }
                    match source.next().await {
                        Some(Ok(bytes)) => splitter.push(&bytes),
                        // The client has to see that the connection broke.
                        Some(Err(error)) => return Some((Err(error), (None, splitter, draft))),
                        None => break splitter.rest(),
                    }
                };
                if block.is_empty() {
                    return None;
                }
                let block = urls::exchange(&block, &upstream, API);
                draft.push(&block);
                let text = urls::to_local(&block, &local, |origin| serves(&others, origin));
                Some((Ok(text), (Some(source), splitter, draft)))
            }
        });
        Body::from_stream(events)
    }
}

/// Reports whether the recorder requests URLs of an origin beside that of the API.
fn serves(others: &[String], origin: &str) -> bool {
    urls::is_replicate(origin) || others.iter().any(|other| other == origin)
}

/// An exchange that is not stored yet.
struct Draft {
    number: usize,
    exchange: Exchange,
    files: NewFiles,
    scrubber: Scrubber,
    store: Arc<Store>,
}

impl Draft {
    fn edit_location(&mut self, upstream: &str) {
        for value in self.exchange.response.headers.values_mut() {
            *value = self.scrubber.text(&urls::exchange(value, upstream, API));
        }
    }

    fn set_body(&mut self, kind: &str, bytes: &Bytes, upstream: &str, url: &str) {
        let Self { scrubber, .. } = self;
        let mut edit = |name: &str, text: &str| scrubber.member(name, &urls::exchange(text, upstream, API));
        let form = draft::form(kind, bytes, &mut edit);
        let response = &mut self.exchange.response;
        match form {
            Form::Empty => {}
            Form::Json(json) => response.json = Some(json),
            Form::Text(text) => response.text = Some(text),
            Form::Binary(bytes) => {
                let path = url.split(['?', '#']).next().unwrap_or_default();
                let name = path.rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or("body");
                let prefix = format!("{:04}-", self.number);
                response.file = Some(draft::add_file(&mut self.files, &prefix, name, scrubber.file(bytes)));
            }
        }
    }

    /// Stores the exchange. The client has its response in any case.
    fn save(&mut self) {
        if let Err(error) = self.store.save(self.number, &mut self.exchange, &self.files) {
            eprintln!("error: {error}");
        }
    }
}

/// An exchange with a stream. It is stored when the stream ends or the client closes it.
struct EventDraft {
    draft: Draft,
    events: Vec<Event>,
}

impl EventDraft {
    fn push(&mut self, block: &str) {
        let clean = |text: String| self.draft.scrubber.text(&text);
        self.events.extend(Event::parse(block).map(|event| Event {
            event: event.event.map(clean),
            id: event.id.map(clean),
            data: clean(event.data),
        }));
    }
}

impl Drop for EventDraft {
    fn drop(&mut self) {
        self.draft.exchange.response.events = Some(std::mem::take(&mut self.events));
        self.draft.save();
    }
}

/// Returns the headers of a response that clients use.
fn kept(headers: &HeaderMap) -> IndexMap<String, String> {
    const KEPT: [&str; 5] =
        ["content-type", "content-disposition", "location", "preference-applied", "retry-after"];
    let text = |name: &str| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    KEPT.iter().filter_map(|name| Some(((*name).to_owned(), text(name)?.to_owned()))).collect()
}

/// Returns the content coding of a response.
fn coding(headers: &HeaderMap) -> Option<String> {
    let coding = String::from_utf8_lossy(headers.get(header::CONTENT_ENCODING)?.as_bytes());
    let coding = coding.trim().to_ascii_lowercase();
    (!matches!(&*coding, "" | "identity" | "none")).then_some(coding)
}

/// Returns a body without its content coding. Some stores of files send one that nobody has accepted.
fn decoded(coding: Option<&str>, bytes: Bytes) -> Result<Bytes, String> {
    match coding {
        _ if bytes.is_empty() => Ok(bytes),
        None => Ok(bytes),
        Some("gzip" | "x-gzip") => {
            let mut decoded = Vec::new();
            let read = MultiGzDecoder::new(&*bytes).read_to_end(&mut decoded);
            read.map(|_| decoded.into()).map_err(|error| error.to_string())
        }
        Some(other) => Err(format!("its content encoding is {other:?}")),
    }
}

fn unreachable(url: &str, error: &reqwest::Error) -> Problem {
    let cause = cause(error);
    let origin = urls::origin(url).unwrap_or_default();
    Problem::new(StatusCode::BAD_GATEWAY, format!("The upstream {origin} did not respond: {cause}"))
}
