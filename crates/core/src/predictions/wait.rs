//! Waits for an existing prediction.

use super::{
    cancel_guard::deadline_error,
    poll::{Polling, recording},
    snapshot::Snapshot,
    types::Prediction,
};
use crate::{
    client::{
        Client,
        call::{Work, request_options},
        response::Reply,
    },
    error::{Error, Result, decode, flattened},
    http::{deadline::Deadline, request::RequestOptions, time_limit::within},
    platform::{BoxFuture, MaybeSend, MaybeSync, lock},
    value::{Observer, Value, options::options, seconds::seconds},
};
use std::{
    future::IntoFuture,
    sync::{Arc, Mutex},
    time::Duration,
};

use serde::Deserialize;

options! {
    /// The prediction to wait for, and what is an error.
    #[derive(Debug, Default, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    pub(crate) struct WaitTarget {
        pub(super) id: Option<String>,
        /// The prediction as last seen, which saves the first request.
        pub(super) prediction: Option<Snapshot>,
        /// Whether a status other than `succeeded` is an error.
        pub(super) raise: bool,
        /// Whether it is an error if the prediction fails while it is waited for.
        pub(super) raise_failed: bool,
    }
}

options! {
    /// A prediction, by its id or as last seen, and how to return files.
    #[derive(Debug, Default, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    pub(crate) struct OfPrediction {
        pub(super) id: Option<String>,
        pub prediction: Option<Snapshot>,
        pub(super) use_file_output: Option<bool>,
    }
}

options! {
    /// The options of `predictions.wait`.
    #[derive(Debug, Default, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    pub(crate) struct WaitOptions {
        #[serde(deserialize_with = "seconds")]
        pub(super) timeout: Option<Duration>,
        #[serde(deserialize_with = "seconds")]
        pub(super) interval: Option<Duration>,
    }
}

flattened! {
    /// The parameters of `predictions.wait`.
    pub(crate) struct WaitParams {
        pub(super) target: WaitTarget,
        pub(super) options: WaitOptions,
    }
}

impl WaitTarget {
    pub(super) fn of(id: String) -> Self {
        Self { id: Some(id), ..Self::default() }
    }
}

impl OfPrediction {
    pub(super) fn by_id(id: String) -> Self {
        Self { id: Some(id), ..Self::default() }
    }

    pub(super) fn id(&self) -> Option<&str> {
        self.prediction.as_ref().and_then(Snapshot::id).or(self.id.as_deref())
    }

    /// Returns the prediction with the URL of its event stream, if it has one.
    pub(crate) async fn known(&self, client: &Client, options: &RequestOptions) -> Result<Snapshot> {
        if let Some(prediction) = self.prediction.as_ref().filter(|known| known.stream_url().is_some()) {
            return Ok(prediction.clone());
        }
        client.fetch_prediction(self.id().ok_or_else(no_id)?, Deadline::none(), options.clone()).await
    }

    pub(crate) fn files(&self, client: &Client) -> bool {
        client.uses_files(self.use_file_output)
    }
}

fn no_id() -> Error {
    Error::invalid("Invalid prediction: pass its id, or an object with an `id`")
}

/// A call that polls a prediction until it has ended. See
/// [`Predictions::wait`](crate::resources::predictions::Predictions::wait).
///
/// # Errors
/// The errors of a [`Call`](crate::Call), and [`ErrorKind::Deadline`](crate::ErrorKind::Deadline) with the prediction
/// as last polled. A failed prediction is not an error: check its `status`.
///
/// ```no_run
/// # async fn example(client: replicant::Client) -> replicant::Result<()> {
/// use std::time::Duration;
///
/// let wait = client.predictions().wait("4b2q8m").timeout(Duration::from_secs(600));
/// println!("{}", wait.interval(Duration::from_secs(5)).await?.status);
/// # Ok(()) }
/// ```
#[must_use = "waiting begins when this is awaited"]
pub struct WaitForPrediction {
    client: Client,
    params: WaitParams,
    pub(super) options: RequestOptions,
    observer: Option<Observer>,
}

impl WaitForPrediction {
    pub(super) fn new(client: &Client, params: WaitParams) -> Self {
        Self { client: client.clone(), params, options: RequestOptions::default(), observer: None }
    }

    /// Sets the time limit. The prediction continues after it.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.params.options.timeout = Some(timeout);
        self
    }

    /// Sets the time between polls. Defaults to the interval of the client, otherwise adaptive.
    pub fn interval(mut self, interval: Duration) -> Self {
        self.params.options.interval = Some(interval);
        self
    }

    /// Sets an observer that receives the prediction after each poll.
    pub fn observe(mut self, observer: impl Fn(Value) + MaybeSend + MaybeSync + 'static) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    request_options!();

    pub(super) async fn ended(self) -> Result<Snapshot> {
        let Self { client, params, options, observer } = self;
        let WaitParams {
            target: WaitTarget { id, prediction, raise, raise_failed },
            options: WaitOptions { timeout, interval },
        } = params;
        let id = id.or_else(|| prediction.as_ref()?.as_str().map(str::to_owned));
        let prediction = prediction.filter(|known| known.id().is_some());
        let deadline = Deadline::after(client.runtime(), timeout);
        let had_ended = prediction.as_ref().is_some_and(Snapshot::is_terminal);
        // The last state is recorded only for the error of a timeout.
        let seen = timeout.map(|_| Arc::new(Mutex::new(prediction.clone())));
        let observer = match &seen {
            Some(seen) => Some(recording(seen.clone(), observer)),
            None => observer,
        };
        // Boxed to keep the future small: each wrapper would otherwise embed it by value.
        let waiting = Box::pin(async {
            let known = match (prediction, id) {
                (Some(prediction), _) => prediction,
                (_, Some(id)) => {
                    let known = client.fetch_prediction(&id, Deadline::none(), options.clone()).await?;
                    if let Some(observer) = &observer {
                        observer(known.clone().into_value());
                    }
                    known
                }
                _ => return Err(no_id()),
            };
            let polling = Polling { interval, deadline, observer, options, ..Polling::default() };
            client.poll(known, &polling).await
        });
        let ended = match (timeout, seen) {
            (Some(timeout), Some(seen)) => {
                let ended = within(client.runtime(), timeout, waiting).await;
                let late = || Err(client.without_token(wait_timeout_error(timeout, lock(&seen).take())));
                ended.unwrap_or_else(late)
            }
            _ => waiting.await,
        };
        let ended = ended?;
        let raises = raise || (raise_failed && !had_ended && ended.status() == "failed");
        if !raises {
            return Ok(ended);
        }
        client.check_success(ended)
    }
}

fn wait_timeout_error(timeout: Duration, seen: Option<Snapshot>) -> Error {
    let state = match &seen {
        Some(seen) => {
            let id = seen.id().unwrap_or_default();
            format!("prediction {id} was still {}; it continues to run", seen.status())
        }
        None => "the API had not responded; the prediction continues to run".to_owned(),
    };
    deadline_error(timeout, &state, seen)
}

impl Work for WaitForPrediction {
    fn options_mut(&mut self) -> &mut RequestOptions {
        &mut self.options
    }

    fn set_observer(&mut self, observer: Observer) {
        self.observer = Some(observer);
    }

    fn reply(self) -> BoxFuture<'static, Result<Reply>> {
        Box::pin(async move { Ok(Reply::of(self.ended().await?.into_value())) })
    }
}

impl IntoFuture for WaitForPrediction {
    type Output = Result<Prediction>;
    type IntoFuture = BoxFuture<'static, Result<Prediction>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { decode(self.ended().await?.into_value()) })
    }
}
