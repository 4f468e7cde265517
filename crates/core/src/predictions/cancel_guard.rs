//! The guard that cancels an abandoned prediction.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::{
    FutureExt,
    future::{Either, select},
    pin_mut,
};
use tokio::sync::oneshot;

use super::{
    poll::{LastSeen, recording},
    snapshot::Snapshot,
};
use crate::{
    client::{Client, background, options::OnAbandon, response::PredictionGuard},
    error::{Error, ErrorKind, Result, caught},
    http::request::{Request, RequestOptions},
    platform::{Spawner, lock},
    value::{Observer, float_text},
};

/// Cancels the prediction on drop unless it has finished.
pub(super) struct CancelGuard {
    client: Client,
    spawner: Spawner,
    /// The options of the cancel.
    options: RequestOptions,
    pub on_abandon: OnAbandon,
    /// Whether the prediction is left running after all.
    pub is_left: Arc<AtomicBool>,
    last_seen: LastSeen,
    abandoned: Arc<AtomicBool>,
    /// Whether the files of the input have not been sent, so that no prediction exists.
    uploading: AtomicBool,
    /// Whether a create has not returned, so that a prediction may exist whose id is not known.
    creating: Arc<AtomicBool>,
}

impl CancelGuard {
    /// Builds a guard. Must be called within the async runtime.
    pub fn new(client: &Client, on_abandon: OnAbandon, options: RequestOptions) -> Self {
        Self {
            client: client.clone(),
            spawner: client.runtime().spawner(),
            options,
            on_abandon,
            is_left: Arc::default(),
            last_seen: LastSeen::default(),
            abandoned: Arc::default(),
            uploading: AtomicBool::default(),
            creating: Arc::default(),
        }
    }

    /// Awaits the upload of the files of the input.
    pub async fn uploading<T>(&self, upload: impl Future<Output = Result<T>>) -> Result<T> {
        self.uploading.store(true, Ordering::SeqCst);
        let uploaded = upload.await?;
        self.uploading.store(false, Ordering::SeqCst);
        Ok(uploaded)
    }

    /// Sends the create. It continues after the caller is dropped, because only its response has the id that a cancel
    /// needs.
    pub async fn create(&self, mut request: Request) -> Result<Snapshot> {
        request.abandoned = Some(self.abandoned.clone());
        request.is_cancelable = self.on_abandon == OnAbandon::Cancel;
        let (mut sender, receiver) = oneshot::channel();
        let (client, spawner, on_abandon) = (self.client.clone(), self.spawner.clone(), self.on_abandon);
        let (last_seen, abandoned) = (self.last_seen.clone(), self.abandoned.clone());
        let (creating, is_left) = (self.creating.clone(), self.is_left.clone());
        creating.store(true, Ordering::SeqCst);
        let create = async move {
            let created = {
                let create =
                    caught("a hook or the transport", async { Ok::<_, Error>(client.fetch(&request).await) });
                let create =
                    create.map(|created| created.unwrap_or_else(|panic| Err(panic.with_lost_result())));
                let abandoned = sender.closed();
                pin_mut!(create, abandoned);
                match select(create, abandoned).await {
                    Either::Left((created, _)) => Some(created),
                    Either::Right(((), create)) => {
                        let (hold, _) = client.hold(&request);
                        client.abandoned().outcome(client.runtime(), hold, create).await
                    }
                }
            };
            let Some(created) = created.map(|created| created.and_then(Snapshot::with_id)) else { return };
            // The prediction exists also if a hook failed after its create.
            let of_error = created.as_ref().err().and_then(Error::prediction).cloned().map(Snapshot::new);
            let existing = created.as_ref().ok().or(of_error.as_ref());
            if let Some(existing) = existing {
                existing.log_create();
            }
            let is_unknown = existing.is_none() && created.as_ref().is_err_and(Error::outcome_unknown);
            let running = existing.filter(|existing| !existing.is_terminal());
            let cancels = {
                // The lock ensures that exactly one of this task and the guard's `Drop` cancels.
                let mut last_seen = lock(&last_seen);
                if let Some(running) = running {
                    // Recorded here because the caller may be dropped before it receives the result.
                    *last_seen = Some(running.clone());
                }
                creating.store(is_unknown, Ordering::SeqCst);
                abandoned.load(Ordering::SeqCst)
                    && on_abandon == OnAbandon::Cancel
                    && !is_left.load(Ordering::SeqCst)
            };
            if cancels {
                if let Some(id) = running.and_then(Snapshot::id) {
                    background::cancel(&client, &spawner, id, &request.options);
                }
                if !is_unknown {
                    client.remove_uncanceled(None);
                }
            }
            let _ = sender.send(created);
        };
        background::spawn(&self.client, &self.spawner, Box::pin(create));
        let created = receiver.await;
        // The caller gets the error that says so.
        self.creating.store(false, Ordering::SeqCst);
        created.map_err(|_| {
            Error::new(
                ErrorKind::OutcomeUnknown,
                "the runtime shut down while the prediction was being created",
            )
            .with_lost_result()
        })?
    }

    /// Wraps an observer to record each state.
    pub fn observing(&self, observer: Option<Observer>) -> Observer {
        recording(self.last_seen.clone(), observer)
    }

    /// Records a prediction that the create returned as finished, for the error of a timeout while its events are
    /// read.
    pub fn record_end(&self, created: &Snapshot) {
        if created.is_terminal() {
            *lock(&self.last_seen) = Some(created.clone());
        }
    }

    /// Disarms the guard: dropping it cancels nothing. Returns the prediction as last seen.
    pub fn disarm(&self) -> Option<Snapshot> {
        lock(&self.last_seen).take()
    }

    /// Builds the error of a timeout.
    pub fn deadline_error(&self, timeout: Duration) -> Error {
        let last_seen = lock(&self.last_seen).clone();
        let end = match self.on_abandon {
            OnAbandon::Cancel => "is being canceled",
            OnAbandon::Leave => "continues to run",
        };
        let state = match &last_seen {
            Some(seen) => {
                let id = seen.id().unwrap_or_default();
                if seen.is_terminal() {
                    let status = seen.status();
                    format!("prediction {id} had finished ({status}), but some of its events had not arrived")
                } else {
                    format!("prediction {id} had not finished; it {end}")
                }
            }
            None if self.uploading.load(Ordering::SeqCst) => {
                "no prediction was created, as the files of its input were still being uploaded".to_owned()
            }
            None => format!("the API had not responded to the create; a prediction that it creates {end}"),
        };
        self.client.without_token(deadline_error(timeout, &state, last_seen))
    }
}

/// Builds the error of a timeout. `state` completes the sentence "The timeout passed: ...".
pub(super) fn deadline_error(timeout: Duration, state: &str, last_seen: Option<Snapshot>) -> Error {
    let message = format!("the timeout of {} s passed: {state}.", float_text(timeout.as_secs_f64()));
    let error = Error::new(ErrorKind::Deadline, message);
    match last_seen {
        Some(seen) => error.with_prediction(seen.into_value()),
        None => error,
    }
}

impl PredictionGuard for CancelGuard {
    fn disarm(&self) {
        Self::disarm(self);
    }
}

impl fmt::Debug for CancelGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelGuard").finish_non_exhaustive()
    }
}

impl Drop for CancelGuard {
    fn drop(&mut self) {
        let running = {
            let mut last_seen = lock(&self.last_seen);
            self.abandoned.store(true, Ordering::SeqCst);
            if self.on_abandon == OnAbandon::Leave || self.is_left.load(Ordering::SeqCst) {
                return;
            }
            if self.creating.load(Ordering::SeqCst) {
                self.client.add_uncanceled(None);
            }
            last_seen.take().filter(|seen| !seen.is_terminal())
        };
        if let Some(id) = running.as_ref().and_then(Snapshot::id) {
            background::cancel(&self.client, &self.spawner, id, &self.options);
        }
    }
}
