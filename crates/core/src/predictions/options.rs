//! What a prediction is created with besides its input.

use std::time::Duration;

use serde::{Deserialize, Deserializer};

use crate::{
    client::options::FileEncodingStrategy,
    error::{Error, Result},
    value::options::{option_types, options},
};

/// How long a create asks the server to hold its response.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum PreferWait {
    /// Not at all.
    None,
    /// As long as the server likes: 60 s.
    Longest,
    /// Seconds, 1 to 60.
    Seconds(u64),
}

impl PreferWait {
    /// What `run` asks for when nothing was said.
    ///
    /// Long enough to have a quick model's output with the create, and no longer: until the answer
    /// comes nobody knows the prediction's id, so it can neither be cancelled nor found again.
    pub fn short(timeout: Option<Duration>) -> Self {
        const SHORT: u64 = 5;
        Self::seconds(timeout.map_or(SHORT, |timeout| SHORT.min(timeout.as_secs() / 2)) as f64)
    }

    fn seconds(seconds: f64) -> Self {
        if seconds > 0.0 { Self::Seconds(seconds.ceil().clamp(1.0, 60.0) as u64) } else { Self::None }
    }

    pub fn header(self) -> Option<String> {
        match self {
            Self::None => None,
            Self::Longest => Some("wait".to_owned()),
            Self::Seconds(seconds) => Some(format!("wait={seconds}")),
        }
    }

    pub fn duration(self) -> Duration {
        match self {
            Self::None => Duration::ZERO,
            Self::Longest => Duration::from_secs(60),
            Self::Seconds(seconds) => Duration::from_secs(seconds),
        }
    }
}

/// `wait` in all the forms that the official clients take.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(
    untagged,
    expecting = "must be true, false, a number of seconds, or {mode: \"block\" | \"poll\", interval (ms), timeout (s)}"
)]
pub(crate) enum Wait {
    Flag(bool),
    Seconds(f64),
    RunRequest(WaitPlan),
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

/// `Cancel-After`: seconds, or a text such as `1m30s`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged, expecting = "must be a number of seconds or a duration such as \"1m30s\"")]
pub(crate) enum CancelAfter {
    Seconds(f64),
    Text(String),
}

/// Decodes `webhook_events_filter`: a list of events, or one event.
pub(crate) fn events<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    #[derive(Deserialize)]
    #[serde(
        untagged,
        expecting = "must be an event or a list of events: \"start\", \"output\", \"logs\", \"completed\""
    )]
    enum Events {
        One(String),
        Many(Vec<String>),
    }
    Ok(Option::<Events>::deserialize(deserializer)?.map(|events| match events {
        Events::One(event) => vec![event],
        Events::Many(events) => events,
    }))
}

option_types! {
    Wait => "any",
    CancelAfter => "number | string" in "seconds",
}

options! {
    /// The options of a create.
    #[derive(Debug, Clone, Default, Deserialize)]
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

impl PredictionOptions {
    /// How long the answer is held; `default` where nothing was said.
    pub fn hold(&self, default: PreferWait) -> Result<Option<PreferWait>> {
        let hold = match (&self.wait, &self.prefer) {
            (Some(_), Some(_)) => {
                return Err(Error::invalid("`prefer` and `wait` exclude each other; pass one of them")
                    .about("prefer"));
            }
            (None, Some(prefer)) => match prefer.split_once('=') {
                None if prefer == "wait" => PreferWait::Longest,
                Some(("wait", seconds)) if seconds.parse::<u64>().is_ok_and(|seconds| seconds > 0) => {
                    PreferWait::seconds(seconds.parse().unwrap_or(60.0))
                }
                _ => {
                    return Err(Error::invalid_argument(
                        "prefer",
                        format!("must be \"wait\" or \"wait=1\" to \"wait=60\", not {prefer:?}"),
                    ));
                }
            },
            (None, None) => default,
            (Some(Wait::Flag(true)), None) => PreferWait::Longest,
            (Some(Wait::Flag(false)), None) => PreferWait::None,
            (Some(Wait::Seconds(seconds)), None) => PreferWait::seconds(*seconds),
            (Some(Wait::RunRequest(WaitPlan { mode: Some(WaitMode::Poll), .. })), None) => PreferWait::None,
            (Some(Wait::RunRequest(WaitPlan { timeout, .. })), None) => {
                timeout.map_or(PreferWait::Longest, PreferWait::seconds)
            }
        };
        Ok((hold != PreferWait::None).then_some(hold))
    }

    /// The interval between polls, if `wait` has one.
    pub fn interval(&self) -> Option<Duration> {
        match &self.wait {
            Some(Wait::RunRequest(WaitPlan { interval: Some(milliseconds), .. })) => {
                Duration::try_from_secs_f64(milliseconds / 1000.0).ok()
            }
            _ => None,
        }
    }

    /// Lets the server cancel the prediction soon after our own deadline, in case this process ends before.
    pub fn limit(&mut self, timeout: Option<Duration>) {
        // The API's maximum. A longer timeout that was cut to it would end too early.
        const DAY: f64 = 86_400.0;
        if let (None, Some(timeout)) = (&self.cancel_after, timeout) {
            let seconds = (timeout.as_secs_f64() + 5.0).ceil();
            self.cancel_after = (seconds <= DAY).then_some(CancelAfter::Seconds(seconds));
        }
    }
}

/// Builder methods over a field `prediction: PredictionOptions` or the one given.
macro_rules! prediction_options {
    () => {
        $crate::predictions::options::prediction_options!(prediction);
    };
    ($($field:ident).+) => {
        /// Where the API reports progress and end: an https URL.
        ///
        /// ```no_run
        /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
        /// let input = replicant::json!({"prompt": "a heron"});
        /// client.predictions().create("acme/painter", input).webhook("https://example.com/hook").await?;
        /// # Ok(()) }
        /// ```
        pub fn webhook(mut self, url: impl Into<String>) -> Self {
            self.$($field).+.webhook = Some(url.into());
            self
        }

        /// Which events the webhook is sent: of `start`, `output`, `logs`, `completed`.
        ///
        /// ```no_run
        /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
        /// let input = replicant::json!({"prompt": "a heron"});
        /// let create = client.predictions().create("acme/painter", input);
        /// create.webhook("https://example.com/hook").webhook_events_filter(["start", "completed"]).await?;
        /// # Ok(()) }
        /// ```
        pub fn webhook_events_filter<S: Into<String>>(mut self, events: impl IntoIterator<Item = S>) -> Self {
            self.$($field).+.webhook_events_filter = Some(events.into_iter().map(Into::into).collect());
            self
        }

        /// For how many seconds (1 to 60) the server may hold its answer until the output is there; 0
        /// for not at all.
        ///
        /// ```no_run
        /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
        /// let input = replicant::json!({"prompt": "a heron"});
        /// let prediction = client.predictions().create("acme/painter", input).wait(30).await?;
        /// println!("{}", prediction.status);
        /// # Ok(()) }
        /// ```
        pub fn wait(mut self, seconds: u64) -> Self {
            self.$($field).+.wait = Some($crate::predictions::options::Wait::Seconds(seconds as f64));
            self
        }

        /// When the server cancels the prediction by itself, counted from its creation: 5 s to 24 h.
        ///
        /// ```no_run
        /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
        /// use std::time::Duration;
        ///
        /// let input = replicant::json!({"prompt": "a heron"});
        /// client.predictions().create("acme/painter", input).cancel_after(Duration::from_secs(90)).await?;
        /// # Ok(()) }
        /// ```
        pub fn cancel_after(mut self, after: std::time::Duration) -> Self {
            self.$($field).+.cancel_after =
                Some($crate::predictions::options::CancelAfter::Seconds(after.as_secs_f64()));
            self
        }

        /// How the files in the input are sent, instead of the client's strategy.
        ///
        /// ```no_run
        /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
        /// use replicant::{File, FileEncodingStrategy, Value};
        ///
        /// let mut input = Value::object();
        /// input["image"] = File::path("photo.png").into();
        /// let create = client.predictions().create("acme/upscaler", input);
        /// create.file_encoding_strategy(FileEncodingStrategy::Upload).await?;
        /// # Ok(()) }
        /// ```
        pub fn file_encoding_strategy(mut self, strategy: $crate::client::options::FileEncodingStrategy) -> Self {
            self.$($field).+.file_encoding_strategy = Some(strategy);
            self
        }
    };
}

pub(crate) use prediction_options;
