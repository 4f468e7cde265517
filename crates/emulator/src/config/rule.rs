//! Fault rules: which requests fail, and how.

use std::fmt::Display;

use axum::http::{HeaderName, HeaderValue};
use indexmap::IndexMap;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

/// A year.
const LONGEST_RETRY: f64 = 365.0 * 86_400.0;

/// A fault rule: which requests it applies to, how often, and what happens to them.
///
/// ```
/// use replicant_emulator::{Action, Config, Match, Rule};
///
/// let rule = Rule {
///     r#match: Match { operation: Some("predictions.get".into()), ..Match::default() },
///     times: 3,
///     action: Action { status: Some(502), ..Action::default() },
/// };
/// let config = Config { faults: vec![rule], ..Config::default() };
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The requests the rule applies to. Default: all.
    #[serde(default)]
    pub r#match: Match,
    /// How many matching requests the rule applies to; 0 for all. Default: 1.
    #[serde(default = "once", deserialize_with = "whole::times")]
    pub times: u32,
    /// What happens to a matching request.
    pub action: Action,
}

impl Rule {
    /// Checks what the types leave open.
    pub(crate) fn check(&self) -> Result<(), String> {
        let action = &self.action;
        if let Some(status) = action.status.filter(|status| !(200..=599).contains(status)) {
            return Err(bad_status(status));
        }
        for (name, value) in &action.headers {
            if HeaderName::try_from(name).is_err() || HeaderValue::try_from(value).is_err() {
                return Err(format!("`headers`: {name:?}: {value:?} is not a header of HTTP"));
            }
        }
        let drops = action.close_before_reply || action.reset;
        let cuts = action.cut_body_at.is_some() || action.stall_body_at.is_some();
        let delays = action.delay_ms.is_some_and(|delay| delay > 0);
        if action.status.is_none() && action.headers.is_empty() && !(drops || cuts || delays) {
            return Err("`action` does nothing; add `status`, `delay_ms`, `close_before_reply`, `reset`, \
                        `cut_body_at`, `stall_body_at` or `headers`"
                .into());
        }
        let parts = [
            ("problem", action.problem),
            ("retry_after", action.retry_after.is_some()),
            ("json", action.json.is_some()),
            ("text", action.text.is_some()),
        ];
        if let Some((name, _)) = parts.iter().find(|(_, is_set)| *is_set && action.status.is_none()) {
            return Err(format!("`{name}` is a part of a response; add its `status`"));
        }
        if action.unprocessed && !drops {
            return Err("`unprocessed` needs `close_before_reply` or `reset`".into());
        }
        Ok(())
    }
}

fn bad_status(status: impl Display) -> String {
    format!("`status` must be between 200 and 599, not {status}")
}

fn once() -> u32 {
    1
}

/// The requests that a [`Rule`] applies to.
///
/// ```
/// use replicant_emulator::Match;
///
/// let creates = Match { operation: Some("predictions.create".into()), ..Match::default() };
/// ```
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Match {
    /// The method. Default: any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The operation, by its id in the API's OpenAPI document; `predictions.create` also matches the creates by model
    /// and by deployment. Default: any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// The path, in which `*` matches any text. Default: any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

/// What a [`Rule`] does to a request. All fields combine.
///
/// ```
/// use replicant_emulator::Action;
///
/// let slow_failure = Action { delay_ms: Some(200), status: Some(500), ..Action::default() };
/// ```
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Action {
    /// Milliseconds to wait first.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "whole::delay_ms")]
    pub delay_ms: Option<u64>,
    /// Responds with this status instead of processing the request.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "whole::status")]
    pub status: Option<u16>,
    /// Gives that response the body that the API sends with this status, in place of `json` or `text`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub problem: bool,
    /// The seconds in the `Retry-After` header of that response. JSON may give a fraction, which is rounded up, because
    /// the header has whole seconds.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "whole_seconds")]
    pub retry_after: Option<u64>,
    /// The JSON body of that response.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub json: Option<Box<RawValue>>,
    /// The text body of that response.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Headers to set on the response.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub headers: IndexMap<String, String>,
    /// Closes the connection instead of responding.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub close_before_reply: bool,
    /// Resets the TCP connection where it would be closed; without another fault, instead of responding.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub reset: bool,
    /// With `close_before_reply` or `reset`: does not process the request. By default the request is processed and
    /// only the response is lost.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unprocessed: bool,
    /// Closes the connection after this many bytes of the body.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "whole::cut_body_at")]
    pub cut_body_at: Option<usize>,
    /// Stops sending after this many bytes of the body and keeps the connection open.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "whole::stall_body_at")]
    pub stall_body_at: Option<usize>,
}

/// Reads seconds and rounds them up.
fn whole_seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let Some(value) = Option::<Value>::deserialize(deserializer)? else { return Ok(None) };
    let seconds = value.as_f64().filter(|seconds| (0.0..=LONGEST_RETRY).contains(seconds));
    let seconds = seconds.ok_or_else(|| {
        D::Error::custom(format!("`retry_after` must be between 0 and {LONGEST_RETRY} seconds, not {value}"))
    })?;
    Ok(Some(seconds.ceil() as u64))
}

/// Readers of whole numbers whose errors have the name of the member.
mod whole {
    use super::{Deserialize, Deserializer, Error, Value, bad_status};

    macro_rules! readers {
        ($($name:ident: $number:ty => $reads:ty;)*) => {$(
            pub(super) fn $name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<$reads, D::Error> {
                let value = Value::deserialize(deserializer)?;
                <$reads>::deserialize(&value).map_err(|_| {
                    let (name, most) = (stringify!($name), <$number>::MAX);
                    D::Error::custom(format!("`{name}` must be a whole number from 0 to {most}, not {value}"))
                })
            }
        )*};
    }

    pub(super) fn status<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u16>, D::Error> {
        let value = Value::deserialize(deserializer)?;
        Option::deserialize(&value).map_err(|_| D::Error::custom(bad_status(&value)))
    }

    readers! {
        times: u32 => u32;
        delay_ms: u64 => Option<u64>;
        cut_body_at: usize => Option<usize>;
        stall_body_at: usize => Option<usize>;
    }
}

#[cfg(test)]
mod tests {
    use super::Action;

    #[test]
    fn retry_after_is_rounded_up() {
        let read = |text: &str| serde_json::from_str::<Action>(&format!(r#"{{"retry_after": {text}}}"#));
        for (text, seconds) in [("0", 0), ("0.1", 1), ("2", 2), ("2.5", 3)] {
            assert_eq!(read(text).expect("a valid action").retry_after, Some(seconds));
        }
        assert_eq!(read("null").expect("a valid action").retry_after, None);
        for text in ["-1", "1e300"] {
            let error = read(text).expect_err("out of range").to_string();
            assert!(error.contains("`retry_after` must be between 0 and 31536000 seconds"), "{error}");
        }
    }
}
