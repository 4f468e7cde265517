//! Runs one row.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::SeqCst},
};

use futures_util::{
    future::{Either, select},
    pin_mut,
};

use super::{
    batch::{Batch, Storage},
    hash::Hash,
    item::{MapItem, REJECTED, UNKNOWN, predict_time, shortened},
    records::{Entry, Record, State, Step, is_retryable},
    row::Numbered,
};
use crate::{
    client::waiting::parse_moment,
    error::{Error, ErrorKind, Result},
    http::request::SendObserver,
    platform::{BoxFuture, lock, wall_clock},
    predictions::{
        batch_run::BatchSteps,
        output::Output,
        snapshot::{Snapshot, is_terminal},
        types::Status,
    },
    value::Value,
};

/// The end of a row.
pub(super) enum Finished {
    Item(Box<MapItem>),
    /// The row was not run, because the batch stopped.
    Released,
    /// The API refused the create as it would refuse all others.
    Refused(Error),
    /// A hook failed, which ends the batch.
    Raised(Error),
}

/// The outcome of a create.
enum CreateOutcome {
    /// A prediction, as it has ended, or the error of waiting for it.
    Prediction(Result<Snapshot>),
    /// No prediction, or none that is known.
    RowEnds(Finished),
}

/// A row that is being run.
pub(super) struct RunRow {
    pub batch: Arc<Batch>,
    pub storage: Arc<Storage>,
    pub row: Arc<Numbered>,
    /// The metered time of all attempts.
    pub seconds: Option<f64>,
    pub attempts: u32,
    /// The number of them that an interruption has ended.
    pub interrupted: u32,
}

impl RunRow {
    /// Runs a row. If it needs a prediction, one was reserved.
    pub async fn run(mut self, entry: Option<Entry>) -> Finished {
        let mut attach = None;
        if let Some(entry) = entry {
            (self.attempts, self.interrupted) = (entry.attempts, entry.interrupted);
            match entry.state {
                State::Done { offset, length, .. } => return self.recorded(offset, length).await,
                State::Intent { .. } if !self.batch.options.retry_unknown => return self.unknown(),
                State::Created { id, canceled } => attach = Some((id, canceled)),
                State::Intent { .. } => self.interrupted += 1,
                State::Released => {}
            }
        }
        loop {
            let ended = match attach.take() {
                Some((id, canceled)) => {
                    self.batch.began(self.row.index, &self.row.key);
                    let ended = self.batch.runs.attach(&id, &self.steps()).await;
                    self.batch.ended(self.row.index);
                    if ended.as_ref().is_ok_and(|ended| is_interrupted(ended, canceled)) {
                        if self.batch.is_stopping() || !self.batch.reserve() {
                            return Finished::Released;
                        }
                        self.interrupted += 1;
                        continue;
                    }
                    ended
                }
                None => match self.create().await {
                    CreateOutcome::Prediction(ended) => ended,
                    CreateOutcome::RowEnds(end) => return end,
                },
            };
            let ended = match ended {
                Ok(ended) => ended,
                Err(error) => {
                    let last = shortened(error.prediction().cloned().unwrap_or_default());
                    let status = last["status"].as_str().unwrap_or(UNKNOWN).to_owned();
                    return self.item(&status, last, Err(error));
                }
            };
            self.add_seconds(predict_time(&ended));
            let failure = match ended.into_success().and_then(Snapshot::with_output) {
                Ok(succeeded) => return self.succeeded(succeeded).await,
                Err(failure) => failure,
            };
            let failed = self.attempts.saturating_sub(self.interrupted);
            let has_attempts = failed <= self.batch.options.retries;
            if has_attempts && is_retryable(&failure) && !self.batch.is_stopping() && self.batch.reserve() {
                continue;
            }
            let ended = Snapshot::new(failure.prediction().cloned().unwrap_or_default());
            return self.done(ended, Err(failure)).await;
        }
    }

    fn add_seconds(&mut self, seconds: Option<f64>) {
        if let Some(seconds) = seconds {
            *self.seconds.get_or_insert(0.0) += seconds;
        }
    }

    fn steps(&self) -> Steps {
        let attempt = Attempt {
            batch: self.batch.clone(),
            storage: self.storage.clone(),
            row: self.row.clone(),
            number: self.attempts,
            interrupted: self.interrupted,
            sent: Arc::default(),
        };
        Steps { attempt, created: AtomicBool::new(false) }
    }

    /// Creates a prediction and waits for its end.
    async fn create(&mut self) -> CreateOutcome {
        self.attempts += 1;
        let batch = self.batch.clone();
        let steps = self.steps();
        let run = batch.runs.run(self.row.input.clone(), &steps);
        let stopped = async {
            batch.stopped().await;
            if steps.attempt.sent.load(SeqCst) {
                std::future::pending::<()>().await;
            }
        };
        let ended = {
            pin_mut!(run);
            pin_mut!(stopped);
            match select(run, stopped).await {
                Either::Left((ended, _)) => Some(ended),
                Either::Right(((), _)) => None,
            }
        };
        batch.ended(self.row.index);
        let (created, sent) = (steps.created.load(SeqCst), steps.attempt.sent.load(SeqCst));
        let (counts, seconds) = match &ended {
            Some(Ok(ended)) => (true, predict_time(ended)),
            Some(Err(error)) => (created || error.outcome_unknown(), None),
            None => (false, None),
        };
        lock(&batch.counters).ended(counts, seconds);
        match ended {
            Some(Err(error)) if !created => CreateOutcome::RowEnds(self.not_created(error, sent).await),
            Some(ended) => CreateOutcome::Prediction(ended),
            None => CreateOutcome::RowEnds(Finished::Released),
        }
    }

    /// Ends a row whose create failed.
    async fn not_created(&mut self, error: Error, sent: bool) -> Finished {
        if error.outcome_unknown() {
            return self.item(UNKNOWN, Value::Null, Err(error));
        }
        self.attempts -= 1;
        if !sent && self.batch.is_stopping() {
            return Finished::Released;
        }
        if sent {
            // A failure to record it ends the batch.
            let _ = self.batch.record(&self.storage, || Record::new(Step::Released, &self.row.key)).await;
        }
        let is_refused = match error.kind() {
            ErrorKind::Authentication | ErrorKind::PaymentRequired => true,
            // A firewall before the API blocks a request for its text, with a page and no `detail`.
            ErrorKind::PermissionDenied => error.response().is_some_and(|response| response.detail.is_some()),
            _ => false,
        };
        if is_refused {
            return Finished::Refused(error);
        }
        self.item(REJECTED, Value::Null, Err(error))
    }

    async fn succeeded(&mut self, ended: Snapshot) -> Finished {
        let saved = match &self.storage.folder {
            Some(folder) => folder.save(&self.batch.runs, &self.row, &ended).await,
            None => Ok(ended["output"].clone()),
        };
        match saved {
            Ok(output) => self.done(ended, Ok(output)).await,
            // Not recorded as done, so that a resumed batch tries again to save the files.
            Err(error) => self.item("succeeded", shortened(ended.into_value()), Err(error)),
        }
    }

    /// Records the end of the row.
    async fn done(&mut self, ended: Snapshot, result: Result<Value>) -> Finished {
        let status = ended.status().to_owned();
        let prediction = shortened(ended.into_value());
        let record = || Record {
            attempts: self.attempts,
            interrupted: self.interrupted,
            input: Some(self.row.hash.to_string()),
            prediction: prediction.clone(),
            output: Some(result.as_ref().cloned().unwrap_or_default()),
            ..Record::new(Step::Done, &self.row.key)
        };
        match self.batch.record(&self.storage, record).await {
            Ok(()) => self.item(&status, prediction, result),
            Err(failure) => self.item(&status, prediction, Err(failure)),
        }
    }

    /// Returns the result that the checkpoint has.
    async fn recorded(&mut self, offset: u64, length: u32) -> Finished {
        let read = match &self.storage.checkpoint {
            Some(checkpoint) => checkpoint.read(offset, length).await,
            None => Err(Error::new(ErrorKind::Internal, "there is no checkpoint")),
        };
        let Record { prediction, output, .. } = match read {
            Ok(record) => record,
            Err(error) => return self.item(UNKNOWN, Value::Null, Err(error)),
        };
        self.add_seconds(predict_time(&prediction));
        let status = prediction["status"].as_str().unwrap_or_default().to_owned();
        let result = Snapshot::new(prediction.clone()).into_success().and_then(Snapshot::with_output);
        let finished = self.item(&status, prediction, result.map(|_| output.unwrap_or_default()));
        let Finished::Item(mut item) = finished else { return finished };
        item.resumed = true;
        Finished::Item(item)
    }

    /// Builds the item of a row whose prediction may exist.
    fn unknown(&mut self) -> Finished {
        let message = "an earlier process sent a create and ended before it received the response, and the prediction is not \
                       among the recent ones with this input. It may exist, so it is not created again; set `retry_unknown` to \
                       do so";
        let error = Error::new(ErrorKind::OutcomeUnknown, message).with_outcome_unknown();
        self.item(UNKNOWN, Value::Null, Err(error))
    }

    fn item(&mut self, status: &str, prediction: Value, result: Result<Value>) -> Finished {
        let runs = &self.batch.runs;
        let (output, error) = match result {
            Ok(output) => (Some(Output::new(runs.client(), runs.with_files(output))), None),
            Err(error) if error.is_of_hook() => {
                if status != REJECTED {
                    // Its prediction is canceled with the others, which a resumed batch must know.
                    self.batch.began(self.row.index, &self.row.key);
                }
                return Finished::Raised(error);
            }
            Err(error) => (None, Some(runs.client().without_token(error))),
        };
        debug_assert!(output.is_none() || is_terminal(status));
        Finished::Item(Box::new(MapItem {
            status: Status::from(Some(status.to_owned())),
            output,
            prediction,
            error,
            attempts: self.attempts,
            seconds: self.seconds,
            ..MapItem::new(self.row.key.clone(), self.row.index, self.row.input.clone())
        }))
    }
}

/// Returns `true` if an earlier batch canceled a prediction, not the user: it recorded the cancel, or it was killed and the
/// prediction ended at the deadline that its create set.
fn is_interrupted(ended: &Snapshot, canceled: bool) -> bool {
    /// How much earlier than its deadline the API may end a prediction, in microseconds.
    const TOLERANCE: u64 = 1_000_000;
    let moment = |name: &str| ended[name].as_str().and_then(parse_moment);
    let at_deadline = || {
        let (Some(end), Some(deadline)) = (moment("completed_at"), moment("deadline")) else { return false };
        end + TOLERANCE >= deadline
    };
    match ended.status() {
        "canceled" => canceled || at_deadline(),
        // Only a deadline aborts a prediction.
        "aborted" => true,
        _ => false,
    }
}

/// A prediction of a row, in an attempt to run it.
#[derive(Clone)]
struct Attempt {
    batch: Arc<Batch>,
    storage: Arc<Storage>,
    row: Arc<Numbered>,
    number: u32,
    interrupted: u32,
    /// Whether the create may have been processed.
    sent: Arc<AtomicBool>,
}

impl Attempt {
    /// Appends a record, which `complete` changes.
    async fn record(self, step: Step, complete: impl FnOnce(&Self, Record) -> Record) -> Result<()> {
        let record = || complete(&self, Record::new(step, &self.row.key));
        self.batch.record(&self.storage, record).await
    }
}

/// Records the steps of a row's prediction.
struct Steps {
    attempt: Attempt,
    created: AtomicBool,
}

impl BatchSteps for Steps {
    fn create(&self, input: &Value) -> Arc<dyn SendObserver> {
        let sent = Hash::of(input);
        let attempt = self.attempt.clone();
        let input = (sent != attempt.row.hash).then_some(sent);
        Arc::new(IntentObserver { attempt, input })
    }

    fn created(&self, prediction: &Snapshot) -> BoxFuture<'static, Result<()>> {
        self.created.store(true, SeqCst);
        let id = prediction.id().map(str::to_owned);
        Box::pin(self.attempt.clone().record(Step::Created, |_, record| Record { id, ..record }))
    }

    fn canceling(&self) -> BoxFuture<'static, Result<()>> {
        Box::pin(self.attempt.clone().record(Step::Cancel, |_, record| record))
    }
}

/// Records that a create is about to be sent.
struct IntentObserver {
    attempt: Attempt,
    /// The hash of the input as sent, if it differs.
    input: Option<Hash>,
}

impl SendObserver for IntentObserver {
    fn sending(&self) -> BoxFuture<'static, Result<()>> {
        let attempt = self.attempt.clone();
        if attempt.batch.is_stopping() {
            let error = Error::new(ErrorKind::Internal, "the batch has stopped").with_never_sent();
            return Box::pin(async { Err(error) });
        }
        attempt.sent.store(true, SeqCst);
        attempt.batch.began(attempt.row.index, &attempt.row.key);
        let input = self.input;
        Box::pin(attempt.record(Step::Intent, move |attempt, record| Record {
            attempts: attempt.number,
            interrupted: attempt.interrupted,
            input: Some(attempt.row.hash.to_string()),
            sent: input.map(|hash| hash.to_string()),
            time: Some(wall_clock().as_secs_f64()),
            ..record
        }))
    }

    fn withdrawn(&self) -> BoxFuture<'static, Result<()>> {
        let attempt = self.attempt.clone();
        attempt.sent.store(false, SeqCst);
        attempt.batch.ended(attempt.row.index);
        Box::pin(attempt.record(Step::Released, |_, record| record))
    }
}
