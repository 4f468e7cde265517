//! Fault injection: applies the rules in force to requests and responses.

use std::sync::Mutex;
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::{StreamExt, stream};

use super::listener::Breaker;
use super::operations::{self, OPERATIONS};
use super::problem::Problem;
use crate::config::{Action, Rule};
use crate::support::json::{Raw, raw};
use crate::support::lock;

// Lets the bytes before the fault leave the process.
const FLUSH: Duration = Duration::from_millis(10);

impl Action {
    fn drops_response(&self) -> bool {
        let has_body_fault = self.cut_body_at.is_some() || self.stall_body_at.is_some();
        self.close_before_reply || (self.reset && !has_body_fault)
    }

    /// Reports whether the handler must not see the request.
    pub(crate) fn skips_handler(&self) -> bool {
        self.status.is_some() || (self.drops_response() && self.unprocessed)
    }

    /// Builds the response to send in place of the handler's.
    pub(crate) fn fixed_response(&self, path: &str) -> Response {
        let status =
            StatusCode::from_u16(self.status.unwrap_or(200)).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        if self.problem {
            return Problem::of_status(status, path, self.retry_after).into_response();
        }
        let (kind, body) = match (&self.json, &self.text) {
            (Some(json), _) => ("application/json", json.get().to_owned()),
            (None, Some(text)) => ("text/plain; charset=utf-8", text.clone()),
            (None, None) => ("text/plain; charset=utf-8", String::new()),
        };
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        headers.extend(self.retry_after.map(|seconds| (header::RETRY_AFTER, HeaderValue::from(seconds))));
        response
    }

    /// Applies the fault to a response.
    pub(crate) fn apply(&self, mut response: Response, breaker: &Breaker) -> Response {
        for (name, value) in &self.headers {
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
                response.headers_mut().insert(name, value);
            }
        }
        if self.drops_response() {
            self.break_connection(breaker);
            return response;
        }
        match (self.cut_body_at, self.stall_body_at) {
            (Some(at), _) => {
                let (action, breaker) = (self.clone(), breaker.clone());
                truncate(response, at, move || action.break_connection(&breaker))
            }
            (None, Some(at)) => truncate_and_stall(response, at),
            (None, None) => response,
        }
    }

    fn break_connection(&self, breaker: &Breaker) {
        if self.reset {
            breaker.reset();
        } else {
            breaker.close();
        }
    }
}

/// Sends the first `at` bytes of the body, then calls `end` and fails.
fn truncate(response: Response, at: usize, end: impl FnOnce() + Send + 'static) -> Response {
    limited(response, at, async move {
        tokio::time::sleep(FLUSH).await;
        end();
        Err(std::io::Error::other("the body was cut by a fault rule"))
    })
}

/// Sends the first `at` bytes of the body, then nothing.
fn truncate_and_stall(response: Response, at: usize) -> Response {
    limited(response, at, std::future::pending())
}

/// Sends the first `at` bytes of the body, then `ending`.
fn limited(
    mut response: Response,
    at: usize,
    ending: impl Future<Output = std::io::Result<Bytes>> + Send + 'static,
) -> Response {
    // Content-Length stays that of the whole body.
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
    // Ends with the chunk that reaches the limit, without polling for another one.
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

/// The fault rules in force.
#[derive(Default)]
pub(crate) struct Faults(Mutex<Vec<Rule>>);

impl Faults {
    /// Adds rules, given as the JSON of a rule or of an array of rules.
    pub(crate) fn add_json(&self, json: &[u8]) -> serde_json::Result<()> {
        let rules = if json.trim_ascii_start().starts_with(b"[") {
            serde_json::from_slice(json)?
        } else {
            vec![serde_json::from_slice(json)?]
        };
        self.add(rules).map_err(serde::de::Error::custom)
    }

    pub(crate) fn add(&self, rules: Vec<Rule>) -> Result<(), String> {
        for rule in &rules {
            rule.check()?;
            let Some(id) = &rule.r#match.operation else { continue };
            if !OPERATIONS.iter().any(|operation| operation.is(id)) {
                let known: Vec<_> = OPERATIONS.iter().map(|operation| operation.id).collect();
                return Err(format!("`{id}` is not an operation; the operations are {}", known.join(", ")));
            }
        }
        lock(&self.0).extend(rules);
        Ok(())
    }

    pub(crate) fn clear(&self) {
        lock(&self.0).clear();
    }

    pub(crate) fn view(&self) -> Raw {
        raw(&*lock(&self.0))
    }

    /// Returns the action of the first rule that matches a request, and counts the use of that rule.
    pub(crate) fn take(&self, method: &Method, path: &str) -> Option<Action> {
        let mut rules = lock(&self.0);
        let at = rules.iter().position(|rule| {
            let same_method = |wanted: &String| wanted.eq_ignore_ascii_case(method.as_str());
            let operation = operations::of(method, path);
            rule.r#match.method.as_ref().is_none_or(same_method)
                && rule
                    .r#match
                    .operation
                    .as_ref()
                    .is_none_or(|id| operation.is_some_and(|found| found.is(id)))
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

/// Reports whether `text` matches a pattern in which `*` stands for any text.
fn glob(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == text };
    let (middle, tail) = rest.rsplit_once('*').unwrap_or(("", rest));
    let between = text.strip_prefix(head).and_then(|text| text.strip_suffix(tail));
    // The first occurrence of each part leaves the most text for the next ones.
    middle.split('*').fold(between, |left, part| Some(left?.split_once(part)?.1)).is_some()
}

#[cfg(test)]
mod tests {
    use super::glob;

    #[test]
    fn a_star_matches_any_text() {
        assert!(glob("/v1/predictions/*/cancel", "/v1/predictions/abc/cancel"));
        assert!(glob("*", ""));
        assert!(!glob("/v1/predictions", "/v1/predictions/abc"));
        assert!(!glob("/v1/*/cancel", "/v1/predictions/abc"));
        assert!(glob("a*b*b", "abcbb") && glob("**", "a") && glob("*ab*", "aab"));
        assert!(!glob("ab*ba", "aba") && !glob("*a*a", "ba") && !glob("", "a"));
        // The time must not multiply with each star.
        let text = "a".repeat(2000);
        assert!(!glob(&("*a".repeat(30) + "b"), &text) && glob(&"*a".repeat(30), &text));
    }
}
