//! Reads an event stream. Reconnects when it breaks, without gaps or duplicates.

use std::{collections::VecDeque, time::Duration};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use tracing::info;
use url::Url;

use super::{events::Event, snapshot::Snapshot};
use crate::{
    client::{Client, report::milliseconds},
    error::{Error, ErrorKind, Result},
    files::output::FileOutput,
    http::{
        deadline::Deadline,
        request::{Request, RequestOptions},
        retry::{Failure, Idempotency, RetryBudget},
        sse::{Parser, RawEvent},
        time_limit::within,
        url::redacted_url,
    },
    platform::BoxStream,
    value::Value,
};

/// Bytes of output that an error keeps as its partial result.
pub(crate) const MAX_PARTIAL: usize = 1024 * 1024;
/// Size of the largest accepted event in bytes. Events can contain inlined files, which are smaller.
const MAX_EVENT: usize = 256 * 1024 * 1024;
/// Time limit for fetching the prediction with its logs after a stream has failed.
const FETCH_TIMEOUT: Duration = Duration::from_secs(10);
/// Number of recent event ids kept to recognize duplicates.
const MAX_RECENT_IDS: usize = 1024;

/// Opens the event stream of a prediction.
pub(crate) fn read_events(
    client: &Client,
    prediction: &Snapshot,
    use_file_output: bool,
    options: RequestOptions,
) -> Result<BoxStream<'static, Result<Event>>> {
    let url = prediction.stream_url().ok_or_else(|| {
        let message = "Prediction does not support streaming: the model has no event stream. Use `run` or `predictions.wait` instead.";
        client.error_with(prediction, Error::new(ErrorKind::StreamUnsupported, message))
    })?;
    let url = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    let url = url.ok_or_else(|| {
        Error::new(
            ErrorKind::InvalidResponse,
            "unexpected response: `urls.stream` of the prediction is not a URL",
        )
    })?;
    // Boxed because it is moved in and out for each event.
    let retries = RetryBudget::new(client.config().retry, options.max_retries, Idempotency::Safe);
    let reader = Box::new(Reader {
        client: client.clone(),
        files: use_file_output && url.path().contains("/files/"),
        url,
        prediction: prediction.clone(),
        options,
        body: None,
        parser: Parser::default(),
        retries,
        last_id: None,
        first_id: None,
        recent: VecDeque::new(),
        resync: false,
        delivered: false,
        reconnected: false,
        partial: String::new(),
        ended: false,
    });
    Ok(Box::pin(stream::try_unfold(reader, |mut reader| async move {
        Ok(reader.next().await?.map(|event| (event, reader)))
    })))
}

/// Returns the status and error with which an event ends the prediction; `None` for other events.
fn unsuccessful_end(raw: &RawEvent) -> Option<(&'static str, Option<String>)> {
    match raw.event.as_str() {
        "error" => {
            let detail = Value::from_json(raw.data.as_bytes()).unwrap_or_default();
            Some(("failed", Some(detail["detail"].as_str().unwrap_or(&raw.data).to_owned())))
        }
        "done" => match Value::from_json(raw.data.as_bytes()).ok()?["reason"].as_str()? {
            "canceled" => Some(("canceled", None)),
            "aborted" => Some(("aborted", None)),
            "error" => Some(("failed", None)),
            _ => None,
        },
        _ => None,
    }
}

struct Reader {
    client: Client,
    url: Url,
    prediction: Snapshot,
    options: RequestOptions,
    /// Whether this is a stream of files.
    files: bool,
    body: Option<BoxStream<'static, Result<Bytes>>>,
    parser: Parser,
    /// Restored by each new event.
    retries: RetryBudget,
    /// The id of the last event that was delivered.
    last_id: Option<String>,
    first_id: Option<String>,
    recent: VecDeque<String>,
    /// Whether the server replays from the start, so that events up to `last_id` are duplicates.
    resync: bool,
    delivered: bool,
    /// Whether events may be duplicates.
    reconnected: bool,
    partial: String,
    ended: bool,
}

impl Reader {
    async fn next(&mut self) -> Result<Option<Event>> {
        while !self.ended {
            if let Some(raw) = self.parser.next() {
                if self.reconnected && self.is_duplicate(&raw) {
                    continue;
                }
                // Only new events reset the count; otherwise a server that replays from the start could keep us
                // reconnecting forever.
                self.retries.refill();
                return match unsuccessful_end(&raw) {
                    Some((status, why)) => Err(self.ended(status, why).await),
                    None => Ok(Some(self.deliver(raw))),
                };
            }
            let mut body = match self.body.take() {
                Some(body) => body,
                None => self.connect().await?,
            };
            let config = self.client.config();
            let received = within(&config.runtime, config.idle_timeout, body.next()).await;
            // A broken body is dropped before the delay, so that other requests can use its connection.
            self.body = matches!(received, Some(Some(Ok(_)))).then_some(body);
            match received {
                Some(Some(Ok(chunk))) => {
                    self.parser.push(&chunk);
                    if self.parser.pending() > MAX_EVENT {
                        return Err(self.too_long());
                    }
                }
                Some(Some(Err(error))) => self.delay_reconnect("broke", Some(error)).await?,
                Some(None) => self.delay_reconnect("ended without `done`", None).await?,
                None => self.delay_reconnect("was silent for too long", None).await?,
            }
        }
        Ok(None)
    }

    /// Returns `true` if an event was already delivered before the reconnection.
    fn is_duplicate(&mut self, raw: &RawEvent) -> bool {
        let id = raw.id.as_deref().filter(|_| raw.own_id);
        if self.resync {
            self.resync = id.is_none() || self.last_id.as_deref() != id;
            return true;
        }
        // An event without its own id, such as `done`, is new, because all duplicates precede it.
        let Some(id) = id else { return false };
        if self.first_id.as_deref() == Some(id) {
            // The server replays from the start.
            self.resync = self.last_id.as_deref() != Some(id);
            return true;
        }
        self.recent.iter().any(|recent| recent == id)
    }

    /// Records an event and builds what the caller receives.
    fn deliver(&mut self, raw: RawEvent) -> Event {
        let RawEvent { event, data, id, own_id: _, retry } = raw;
        if let Some(id) = &id
            && self.last_id.as_ref() != Some(id)
        {
            self.first_id.get_or_insert_with(|| id.clone());
            let full = self.recent.len() == MAX_RECENT_IDS;
            let mut place = if full { self.recent.pop_front() } else { None }.unwrap_or_default();
            place.clone_from(id);
            self.recent.push_back(place);
            self.last_id.get_or_insert_default().clone_from(id);
        }
        self.delivered = true;
        match event.as_str() {
            "done" => self.end(),
            "output" if self.partial.len() < MAX_PARTIAL => self.partial.push_str(&data),
            _ => {}
        }
        let file = (self.files && event == "output" && self.client.is_file(&data))
            .then(|| FileOutput::new(&self.client, &data));
        Event { event, data, id, retry, file }
    }

    /// Ends the stream. Its connection is free for other requests, even if the server keeps it open.
    fn end(&mut self) {
        self.ended = true;
        self.body = None;
        self.client.announce_change(&self.prediction);
    }

    /// Builds the error with which `run` would fail for this prediction.
    async fn ended(&mut self, status: &str, why: Option<String>) -> Error {
        self.end();
        let seen = match self.prediction.id() {
            Some(id) => {
                let options = RequestOptions { max_retries: Some(1), ..self.options.clone() };
                let seen = self.client.fetch_prediction(id, Deadline::none(), options);
                within(self.client.runtime(), FETCH_TIMEOUT, seen).await.and_then(Result::ok)
            }
            None => None,
        };
        let mut prediction = seen.unwrap_or_else(|| self.prediction.clone());
        prediction.end_with(status, why);
        let error = match self.client.check_success(prediction) {
            Err(error) => error,
            Ok(prediction) => Error::new(ErrorKind::PredictionFailed, "Prediction failed")
                .with_prediction(prediction.into_value()),
        };
        self.interrupted(error)
    }

    /// Adds the prediction and the output so far to an error.
    fn interrupted(&self, error: Error) -> Error {
        self.client.error_with(&self.prediction, error.with_partial(self.partial.as_str().into()))
    }

    async fn connect(&mut self) -> Result<BoxStream<'static, Result<Bytes>>> {
        self.parser.restart();
        let mut request = Request::get_url(self.url.clone())
            .options(self.options.clone())
            .header("accept", "text/event-stream")
            .header("accept-encoding", "identity")
            .header("cache-control", "no-store");
        if let Some(id) = self.parser.last_id() {
            request = request.header("last-event-id", id);
        }
        let opened = self.client.open(&request).await;
        let with_progress = |error| {
            if self.delivered {
                self.interrupted(error)
            } else {
                self.client.error_with(&self.prediction, error)
            }
        };
        let response = opened.map_err(with_progress)?;
        // Other types are accepted: test doubles and proxies often declare another one, or none.
        let content_type = response.header("content-type").unwrap_or_default().to_ascii_lowercase();
        if ["text/html", "application/xhtml", "application/json", "application/problem+json"]
            .iter()
            .any(|rejected| content_type.starts_with(rejected))
        {
            let why = format!(
                "{} responded with {content_type:?} instead of text/event-stream; check `base_url`, and whether a \
                 proxy is in between",
                redacted_url(&self.url)
            );
            return Err(with_progress(Error::new(ErrorKind::InvalidResponse, why)));
        }
        Ok(response.body.stream())
    }

    fn too_long(&self) -> Error {
        let why = format!("an event of the stream is longer than {MAX_EVENT} bytes");
        self.interrupted(Error::new(ErrorKind::InvalidResponse, why))
    }

    /// Waits before the next connection, or returns an error if the stream cannot be resumed.
    async fn delay_reconnect(&mut self, what: &str, source: Option<Error>) -> Result<()> {
        let last_id = self.parser.last_id();
        let resumable = last_id.is_some() || !self.delivered;
        let wait = self.retries.after(Failure::Lost, None, None);
        if let Some(wait) = wait.filter(|_| resumable) {
            self.reconnected = self.delivered;
            // Bounded, because a server could ask for any delay.
            let longest = self.client.config().retry.max_retry_after;
            let wait = self.parser.retry().map_or(wait, |retry| Duration::from_millis(retry).min(longest));
            info!(
                target: "replicant",
                prediction_id = self.prediction.id(),
                reason = format_args!("the stream {what}"),
                wait_ms = milliseconds(wait),
                last_event_id = last_id,
                "reconnecting stream"
            );
            self.client.runtime().sleep(wait).await;
            return Ok(());
        }
        let hint =
            if resumable { "" } else { " The stream cannot be resumed because its events have no ids." };
        let error = Error::new(
            ErrorKind::StreamInterrupted,
            format!(
                "the event stream {what} before the output was complete.{hint} `partial` has the output received so far."
            ),
        );
        Err(self.interrupted(match source {
            Some(source) => error.with_source(source),
            None => error,
        }))
    }
}
