//! The options of a create.

use std::{fmt, ops::RangeInclusive, time::Duration};

use serde::{Deserialize, Deserializer, de::Error as _};

use crate::{
    client::options::FileEncodingStrategy,
    error::{Error, Result},
    http::headers::LONGEST_HOLD,
    value::{
        Value,
        decode::{Nulls, from_value},
        options::{option_types, options},
    },
};

/// How long a create asks the server to hold its response.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum PreferWait {
    /// No hold.
    None,
    /// The maximum that the server allows, 60 s.
    Longest,
    /// A number of seconds, 1 to 60.
    Seconds(u64),
}

impl PreferWait {
    /// Returns the default hold of `run`.
    ///
    /// Long enough to receive the output of a fast model with the create, but no longer: the id is unknown until the
    /// response arrives, so that the prediction cannot be canceled or found.
    pub fn short(timeout: Option<Duration>) -> Self {
        Self::at_most(5, timeout)
    }

    /// Returns the default hold of a batch, of which many predictions cannot be canceled meanwhile.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn of_batch(timeout: Option<Duration>) -> Self {
        Self::at_most(1, timeout)
    }

    fn at_most(seconds: u64, timeout: Option<Duration>) -> Self {
        match timeout.map_or(seconds, |timeout| seconds.min(timeout.as_secs() / 2)) {
            0 => Self::None,
            seconds => Self::Seconds(seconds),
        }
    }

    fn seconds(seconds: f64) -> Self {
        if seconds > 0.0 { Self::Seconds((seconds.ceil() as u64).min(LONGEST_HOLD)) } else { Self::None }
    }

    pub fn header(self) -> Option<String> {
        match self {
            Self::None => None,
            Self::Longest => Some("wait".to_owned()),
            Self::Seconds(seconds) => Some(format!("wait={seconds}")),
        }
    }
}

/// `wait` in all forms that the official clients accept.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Wait {
    Flag(bool),
    Seconds(f64),
    Plan(WaitPlan),
}

impl<'de> Deserialize<'de> for Wait {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let expected = "must be true, false, a number of seconds, or {mode: \"block\" | \"poll\", interval (ms), timeout (s)}";
        one_of(deserializer, expected, |given| match given {
            Value::Bool(flag) => Some(Self::Flag(flag)),
            plan @ Value::Object(_) => from_value(plan, Nulls::Rejected).ok().map(Self::Plan),
            number => number.as_f64().map(Self::Seconds),
        })
    }
}

/// Decodes one of several forms. Unlike the untagged enums of serde, this needs no second form of values.
fn one_of<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    expected: &str,
    decode: impl FnOnce(Value) -> Option<T>,
) -> Result<T, D::Error> {
    decode(Value::deserialize(deserializer)?).ok_or_else(|| D::Error::custom(expected))
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WaitPlan {
    #[serde(default)]
    mode: Option<WaitMode>,
    /// Milliseconds between polls.
    #[serde(default)]
    interval: Option<f64>,
    /// Seconds that the server may hold its response.
    #[serde(default)]
    timeout: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum WaitMode {
    Block,
    Poll,
}

/// `Cancel-After`: seconds, or a duration such as `1m30s`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum CancelAfter {
    Seconds(f64),
    Text(String),
}

impl<'de> Deserialize<'de> for CancelAfter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let expected = "must be a number of seconds or a duration such as \"1m30s\"";
        one_of(deserializer, expected, |given| match given {
            Value::String(text) => Some(Self::Text(text)),
            number => number.as_f64().map(Self::Seconds),
        })
    }
}

/// Decodes `webhook_events_filter`: a list of events, or one event.
pub(crate) fn events<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    let expected = "must be an event or a list of events: \"start\", \"output\", \"logs\", \"completed\"";
    one_of(deserializer, expected, |given| match given {
        Value::Null => Some(None),
        Value::String(event) => Some(Some(vec![event])),
        list @ Value::Array(_) => from_value(list, Nulls::Rejected).ok().map(Some),
        _ => None,
    })
}

option_types! {
    Wait => "any",
    CancelAfter => "number | string" in "seconds",
}

/// What the API documents for `Cancel-After`, in seconds.
pub const CANCEL_AFTER: RangeInclusive<f64> = 5.0..=86_400.0;

options! {
    /// The options of a create.
    #[derive(Clone, Default, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    pub(crate) struct PredictionOptions {
        pub webhook: Option<String>,
        #[serde(deserialize_with = "events")]
        pub webhook_events_filter: Option<Vec<String>>,
        pub webhook_completed: Option<String>,
        pub stream: Option<bool>,
        pub wait: Option<Wait>,
        pub prefer: Option<String>,
        pub cancel_after: Option<CancelAfter>,
        pub file_encoding_strategy: Option<FileEncodingStrategy>,
    }
}

impl fmt::Debug for PredictionOptions {
    /// Omits the URLs of webhooks, which may have secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PredictionOptions")
            .field("webhook_events_filter", &self.webhook_events_filter)
            .field("wait", &self.wait)
            .field("cancel_after", &self.cancel_after)
            .field("file_encoding_strategy", &self.file_encoding_strategy)
            .finish_non_exhaustive()
    }
}

impl PredictionOptions {
    /// Returns the requested hold, or `default`.
    pub fn hold(&self, default: PreferWait) -> Result<PreferWait> {
        Ok(match (&self.wait, &self.prefer) {
            (Some(_), Some(_)) => {
                return Err(Error::invalid("`prefer` and `wait` exclude each other; pass one of them")
                    .about("prefer"));
            }
            (None, Some(prefer)) if prefer == "wait" => PreferWait::Longest,
            (None, Some(prefer)) => {
                let seconds = prefer.strip_prefix("wait=").and_then(|seconds| seconds.parse::<u64>().ok());
                let seconds = seconds.filter(|seconds| *seconds > 0).ok_or_else(|| {
                    Error::invalid_argument(
                        "prefer",
                        format!("must be \"wait\" or \"wait=1\" to \"wait=60\", not {prefer:?}"),
                    )
                })?;
                PreferWait::Seconds(seconds.min(LONGEST_HOLD))
            }
            (None, None) => default,
            (Some(Wait::Flag(true)), None) => PreferWait::Longest,
            (Some(Wait::Flag(false)), None) => PreferWait::None,
            (Some(Wait::Seconds(seconds)), None) => PreferWait::seconds(*seconds),
            (Some(Wait::Plan(WaitPlan { mode: Some(WaitMode::Poll), .. })), None) => PreferWait::None,
            (Some(Wait::Plan(WaitPlan { timeout, .. })), None) => {
                timeout.map_or(PreferWait::Longest, PreferWait::seconds)
            }
        })
    }

    /// Returns `true` if the user chose how long the server holds its response.
    pub fn sets_hold(&self) -> bool {
        self.wait.is_some() || self.prefer.is_some()
    }

    /// Returns the time between polls, if `wait` sets it.
    pub fn interval(&self) -> Option<Duration> {
        match &self.wait {
            Some(Wait::Plan(WaitPlan { interval: Some(milliseconds), .. })) => {
                Duration::try_from_secs_f64(milliseconds / 1000.0).ok()
            }
            _ => None,
        }
    }

    /// Sets `cancel_after` to shortly after the timeout, otherwise to the maximum, so that the API ends the prediction if
    /// its cancel cannot be sent, such as when this process is killed.
    pub fn default_cancel_after(&mut self, timeout: Option<Duration>) {
        // The maximum shortens no run: the API's own limit, 30 minutes by default, usually comes first.
        if self.cancel_after.is_none() {
            let longest = *CANCEL_AFTER.end();
            let seconds =
                timeout.map_or(longest, |timeout| (timeout.as_secs_f64() + 5.0).ceil().min(longest));
            self.cancel_after = Some(CancelAfter::Seconds(seconds));
        }
    }
}

/// Adds the methods that set the options of a create. They are in the field `prediction` or the given one.
macro_rules! prediction_options {
    () => {
        $crate::predictions::options::prediction_options!(prediction);
    };
    ($($field:ident).+) => {
        /// Sets the `https:` URL that receives the events of the prediction.
        pub fn webhook(mut self, url: impl Into<String>) -> Self {
            self.$($field).+.webhook = Some(url.into());
            self
        }

        /// Sets the events that the webhook receives: `start`, `output`, `logs`, `completed`. Defaults to
        /// new outputs and the end.
        pub fn webhook_events_filter<S: Into<String>>(mut self, events: impl IntoIterator<Item = S>) -> Self {
            self.$($field).+.webhook_events_filter = Some(events.into_iter().map(Into::into).collect());
            self
        }

        /// Sets how long the server holds its response to wait for the prediction to end: 1 to 60 seconds; 0 disables
        /// the hold.
        pub fn wait(mut self, seconds: u64) -> Self {
            self.$($field).+.wait = Some($crate::predictions::options::Wait::Seconds(seconds as f64));
            self
        }

        /// Sets the time after its creation at which the server cancels the prediction: 5 s to 24 h. Runs default to 5 s
        /// after their timeout, and to 24 h without one.
        pub fn cancel_after(mut self, after: std::time::Duration) -> Self {
            self.$($field).+.cancel_after =
                Some($crate::predictions::options::CancelAfter::Seconds(after.as_secs_f64()));
            self
        }

        /// Sets how the files in the input are sent. Defaults to the strategy of the client.
        pub fn file_encoding_strategy(mut self, strategy: $crate::client::options::FileEncodingStrategy) -> Self {
            self.$($field).+.file_encoding_strategy = Some(strategy);
            self
        }
    };
}

pub(crate) use prediction_options;

#[cfg(test)]
mod tests {
    use super::PredictionOptions;
    use crate::value::options::OptionTable;

    #[test]
    fn each_option_has_a_method_of_the_builders() {
        // What only the official clients have, or what the methods set themselves.
        let others = ["prefer", "stream", "webhook_completed"];
        let source = include_str!("options.rs");
        for option in PredictionOptions::TABLE {
            let method = format!("pub fn {}", option.name);
            assert!(others.contains(&option.name) || source.contains(&method), "{method}");
        }
    }
}
