//! Misbehaviour on order.

use std::sync::Mutex;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::app::lock;
use crate::listener::Breaker;

// Long enough for the bytes before a break to leave the process.
const FLUSH: Duration = Duration::from_millis(10);

/// A rule: what to do to which requests, and how often.
///
/// ```
/// use replicant_emulator::{Action, Config, Match, Rule};
///
/// let rule = Rule {
///     r#match: Match { method: Some("GET".into()), path: Some("/v1/predictions/*".into()) },
///     times: 3,
///     action: Action { status: Some(502), ..Action::default() },
/// };
/// let config = Config { faults: vec![rule], ..Config::default() };
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Which requests. Without it, all.
    #[serde(default)]
    pub r#match: Match,
    /// To how many matching requests; 0 means every one. Default 1.
    #[serde(default = "once")]
    pub times: u32,
    /// What is done.
    pub action: Action,
}

fn once() -> u32 {
    1
}

/// Which requests a [`Rule`] is for.
///
/// ```
/// use replicant_emulator::Match;
///
/// let creates = Match { method: Some("POST".into()), path: Some("/v1/*predictions".into()) };
/// ```
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Match {
    /// The method; absent means any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The path, in which `*` stands for any text; absent means any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

/// What a [`Rule`] does. The members combine.
///
/// ```
/// use replicant_emulator::Action;
///
/// let slow_failure = Action { delay_ms: Some(200), status: Some(500), ..Action::default() };
/// ```
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Action {
    /// Milliseconds to wait before anything else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay_ms: Option<u64>,
    /// Answers with this status; the request is not acted on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The body of that answer, as JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub json: Option<Box<RawValue>>,
    /// The body of that answer, as text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Headers to set on the answer.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub headers: IndexMap<String, String>,
    /// Closes the connection instead of answering.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub close_before_reply: bool,
    /// Breaks off with a TCP reset instead of an orderly close. Alone: instead of answering.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub reset: bool,
    /// With `close_before_reply` or `reset`: does not act on the request first. By default it is acted on and only
    /// the answer is lost.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unprocessed: bool,
    /// Breaks off after this many bytes of the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cut_body_at: Option<usize>,
    /// Sends nothing more after this many bytes of the body, and keeps the connection open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stall_body_at: Option<usize>,
}

impl Action {
    fn loses_answer(&self) -> bool {
        let has_body_fault = self.cut_body_at.is_some() || self.stall_body_at.is_some();
        self.close_before_reply || (self.reset && !has_body_fault)
    }

    /// Whether the request must not reach its handler.
    pub(crate) fn skips_handler(&self) -> bool {
        self.status.is_some() || (self.loses_answer() && self.unprocessed)
    }

    /// The answer given in place of the handler's.
    pub(crate) fn canned(&self) -> Response {
        let status =
            StatusCode::from_u16(self.status.unwrap_or(200)).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let (kind, body) = match (&self.json, &self.text) {
            (Some(json), _) => ("application/json", json.get().to_owned()),
            (None, Some(text)) => ("text/plain; charset=utf-8", text.clone()),
            (None, None) => ("text/plain; charset=utf-8", String::new()),
        };
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        response
    }

    /// Spoils an answer.
    pub(crate) fn apply(&self, mut response: Response, breaker: &Breaker) -> Response {
        for (name, value) in &self.headers {
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
                response.headers_mut().insert(name, value);
            }
        }
        if self.loses_answer() {
            self.break_off(breaker);
            return response;
        }
        match (self.cut_body_at, self.stall_body_at) {
            (Some(at), _) => {
                let (action, breaker) = (self.clone(), breaker.clone());
                truncate(response, at, move || action.break_off(&breaker))
            }
            (None, Some(at)) => truncate_and_stall(response, at),
            (None, None) => response,
        }
    }

    fn break_off(&self, breaker: &Breaker) {
        if self.reset {
            breaker.reset();
        } else {
            breaker.close();
        }
    }
}

/// Sends the first `at` bytes, then calls `end` and fails the body.
fn truncate(response: Response, at: usize, end: impl FnOnce() + Send + 'static) -> Response {
    limited(response, at, async move {
        tokio::time::sleep(FLUSH).await;
        end();
        Err(std::io::Error::other("cut on order"))
    })
}

fn truncate_and_stall(response: Response, at: usize) -> Response {
    limited(response, at, std::future::pending())
}

fn limited(
    mut response: Response,
    at: usize,
    ending: impl Future<Output = std::io::Result<Bytes>> + Send + 'static,
) -> Response {
    use axum::body::HttpBody;
    // The length promised stays that of the whole body.
    if let Some(length) = response.body().size_hint().exact() {
        response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    let (parts, body) = response.into_parts();
    let mut left = at;
    let head = body.into_data_stream().map(move |chunk| {
        let chunk: Bytes = chunk.map_err(std::io::Error::other)?;
        let chunk = chunk.slice(..chunk.len().min(left));
        left -= chunk.len();
        Ok::<_, std::io::Error>((chunk, left == 0))
    });
    // Stops right after the chunk that reached the limit, without waiting for another one.
    let head = stream::unfold((Box::pin(head), false), |(mut head, over)| async move {
        if over {
            return None;
        }
        match head.next().await? {
            Ok((chunk, over)) => Some((Ok(chunk), (head, over))),
            Err(error) => Some((Err(error), (head, true))),
        }
    });
    Response::from_parts(parts, Body::from_stream(head.chain(stream::once(ending))))
}

/// The rules in force.
pub(crate) struct Faults(Mutex<Vec<Rule>>);

impl Faults {
    pub(crate) fn new(rules: Vec<Rule>) -> Self {
        Self(Mutex::new(rules))
    }

    pub(crate) fn add(&self, rules: Vec<Rule>) {
        lock(&self.0).extend(rules);
    }

    pub(crate) fn clear(&self) {
        lock(&self.0).clear();
    }

    pub(crate) fn view(&self) -> crate::json::Raw {
        crate::json::raw(&*lock(&self.0))
    }

    /// The action for a request, if a rule is for it; uses the rule up by one.
    pub(crate) fn take(&self, method: &Method, path: &str) -> Option<Action> {
        let mut rules = lock(&self.0);
        let at = rules.iter().position(|rule| {
            let same_method = |wanted: &String| wanted.eq_ignore_ascii_case(method.as_str());
            rule.r#match.method.as_ref().is_none_or(same_method)
                && rule.r#match.path.as_ref().is_none_or(|pattern| glob(pattern, path))
        })?;
        let action = rules[at].action.clone();
        match rules[at].times {
            0 => {}
            1 => drop(rules.remove(at)),
            _ => rules[at].times -= 1,
        }
        Some(action)
    }
}

fn glob(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, rest)) => text.strip_prefix(head).is_some_and(|tail| {
            (0..=tail.len()).any(|at| tail.is_char_boundary(at) && glob(rest, &tail[at..]))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::glob;

    #[test]
    fn star_matches_any_text() {
        assert!(glob("/v1/predictions/*/cancel", "/v1/predictions/abc/cancel"));
        assert!(glob("*", ""));
        assert!(!glob("/v1/predictions", "/v1/predictions/abc"));
        assert!(!glob("/v1/*/cancel", "/v1/predictions/abc"));
    }
}
