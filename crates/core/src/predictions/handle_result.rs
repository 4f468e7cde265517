//! Waits for the output of a handle.

use std::{fmt, future::IntoFuture, time::Duration};

use super::{
    output::Output,
    wait::{OfPrediction, WaitForPrediction, WaitOptions, WaitParams, WaitTarget},
};
use crate::{
    client::{
        Client,
        call::{Work, request_options},
        response::Reply,
    },
    error::{Result, flattened},
    http::request::RequestOptions,
    platform::BoxFuture,
    value::Value,
};

/// A call that waits for the output of a prediction; see [`Handle::result`](crate::Handle::result).
///
/// # Errors
/// - The errors of a [`Call`](crate::Call).
/// - [`ErrorKind::PredictionFailed`], [`ErrorKind::PredictionCanceled`] or [`ErrorKind::PredictionAborted`]: the
///   prediction did not succeed.
/// - [`ErrorKind::Deadline`]: the timeout passed. The prediction continues, so the call can be repeated.
/// - [`ErrorKind::OutputExpired`]: the API has deleted the output.
///
/// [`ErrorKind::PredictionFailed`]: crate::ErrorKind::PredictionFailed
/// [`ErrorKind::PredictionCanceled`]: crate::ErrorKind::PredictionCanceled
/// [`ErrorKind::PredictionAborted`]: crate::ErrorKind::PredictionAborted
/// [`ErrorKind::Deadline`]: crate::ErrorKind::Deadline
/// [`ErrorKind::OutputExpired`]: crate::ErrorKind::OutputExpired
///
/// ```no_run
/// # async fn example(client: replicant::Client) -> replicant::Result<()> {
/// use std::time::Duration;
///
/// println!("{}", client.handle("4b2q8m").result().timeout(Duration::from_secs(60)).await?);
/// # Ok(()) }
/// ```
#[must_use = "waiting begins when this is awaited"]
pub struct HandleResult {
    client: Client,
    id: String,
    wait: WaitForPrediction,
    use_file_output: Option<bool>,
}

flattened! {
    /// The parameters of `predictions.result`.
    pub(crate) struct ResultParams {
        of: OfPrediction,
        options: WaitOptions,
    }
}

impl HandleResult {
    pub(super) fn of(client: &Client, id: String) -> Self {
        let of = OfPrediction { id: Some(id), ..OfPrediction::default() };
        Self::of_params(client, ResultParams { of, options: WaitOptions::default() })
    }

    pub(crate) fn of_params(client: &Client, params: ResultParams) -> Self {
        let ResultParams { of, options } = params;
        let id = of.id().unwrap_or_default().to_owned();
        let OfPrediction { id: given, prediction, use_file_output } = of;
        let target = WaitTarget { id: given, prediction, raise: true, raise_failed: false };
        let wait = WaitForPrediction::new(client, WaitParams { target, options });
        Self { client: client.clone(), id, wait, use_file_output }
    }

    /// Sets the time limit. The prediction continues after it.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.wait = self.wait.timeout(timeout);
        self
    }

    /// Sets the time between polls. Defaults to the interval of the client, otherwise adaptive.
    pub fn interval(mut self, interval: Duration) -> Self {
        self.wait = self.wait.interval(interval);
        self
    }

    /// Sets whether files in the output become [`FileOutput`](crate::FileOutput)s rather than strings.
    pub fn use_file_output(mut self, use_file_output: bool) -> Self {
        self.use_file_output = Some(use_file_output);
        self
    }

    request_options!(wait.options);

    async fn output(self) -> Result<Value> {
        let Self { client, wait, use_file_output, .. } = self;
        let ended = wait.ended().await?;
        let ended = client.check_output(ended)?;
        Ok(client.with_files_if(client.uses_files(use_file_output), ended.into_output()))
    }
}

impl fmt::Debug for HandleResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandleResult").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Work for HandleResult {
    fn options_mut(&mut self) -> &mut RequestOptions {
        self.wait.options_mut()
    }

    fn reply(self) -> BoxFuture<'static, Result<Reply>> {
        Box::pin(async move { Ok(Reply::of(self.output().await?)) })
    }
}

impl IntoFuture for HandleResult {
    type Output = Result<Output>;
    type IntoFuture = BoxFuture<'static, Result<Output>>;

    fn into_future(self) -> Self::IntoFuture {
        let client = self.client.clone();
        Box::pin(async move { Ok(Output::new(&client, self.output().await?)) })
    }
}
