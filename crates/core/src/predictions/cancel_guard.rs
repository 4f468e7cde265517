//! The guard of a prediction that is ours.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};
use std::time::Duration;

use tokio::sync::oneshot;

use super::poll::{is_terminal, remembering};
use crate::{
    client::{Client, background, options::OnAbandon},
    error::{Error, ErrorKind, Result},
    http::request::Request,
    platform::{Spawner, lock},
    value::{Observer, Value},
};

/// Refuses an answer to a create that does not say what was created.
fn has_id(created: Value) -> Result<Value> {
    if created["id"].as_str().is_some_and(|id| !id.is_empty()) {
        return Ok(created);
    }
    let why = "the response to the create has no `id`, so the prediction may exist; look for it in `predictions.list()` before you create it again";
    Err(Error::new(ErrorKind::InvalidResponse, why).with_outcome_unknown())
}

fn has_ended(prediction: &Value) -> bool {
    is_terminal(prediction["status"].as_str().unwrap_or_default())
}

/// The guard of a prediction that is ours: whoever drops this before it is over cancels it.
pub(super) struct CancelGuard {
    client: Client,
    spawner: Spawner,
    pub on_abandon: OnAbandon,
    last_seen: Arc<Mutex<Option<Value>>>,
    abandoned: Arc<AtomicBool>,
}

impl CancelGuard {
    /// To be called within the runtime.
    pub fn new(client: &Client, on_abandon: OnAbandon) -> Self {
        Self {
            client: client.clone(),
            spawner: client.runtime().spawner(),
            on_abandon,
            last_seen: Arc::default(),
            abandoned: Arc::default(),
        }
    }

    /// Sends the create. It goes on when the caller goes away, as only its answer tells the id by
    /// which the prediction can be cancelled.
    pub async fn create(&self, mut request: Request) -> Result<Value> {
        request.abandoned = (self.on_abandon == OnAbandon::Cancel).then(|| self.abandoned.clone());
        let (sender, receiver) = oneshot::channel();
        let (client, spawner, on_abandon) = (self.client.clone(), self.spawner.clone(), self.on_abandon);
        let (last_seen, abandoned) = (self.last_seen.clone(), self.abandoned.clone());
        let create = async move {
            let created = client.fetch(&request).await.and_then(has_id);
            if let Ok(created) = &created
                && !has_ended(created)
            {
                // Noted before the caller has taken it, who may go away in between. Under one lock, so
                // that either this or the `Drop` of the guard sees the other, and one of them cancels.
                let mut last_seen = lock(&last_seen);
                if !abandoned.load(Ordering::SeqCst) {
                    *last_seen = Some(created.clone());
                } else if on_abandon == OnAbandon::Cancel
                    && let Some(id) = created["id"].as_str()
                {
                    background::cancel(client.clone(), &spawner, id.to_owned());
                }
            }
            let _ = sender.send(created);
        };
        background::spawn(&self.spawner, Box::pin(create));
        receiver.await.map_err(|_| {
            Error::new(
                ErrorKind::OutcomeUnknown,
                "the runtime shut down while the prediction was being created",
            )
            .with_outcome_unknown()
        })?
    }

    /// An observer that remembers what was last seen, and tells the one given.
    pub fn observing(&self, observer: Option<Observer>) -> Observer {
        remembering(self.last_seen.clone(), observer)
    }

    /// Notes a prediction that had ended when its create was answered, for the error if its events take too
    /// long. The create notes no such one, as for a run nothing comes after it.
    pub fn record_end(&self, created: &Value) {
        if has_ended(created) {
            *lock(&self.last_seen) = Some(created.clone());
        }
    }

    /// Nothing is left to cancel.
    pub fn disarm(&self) {
        lock(&self.last_seen).take();
    }

    pub fn deadline_error(&self, timeout: Duration) -> Error {
        let last_seen = lock(&self.last_seen).clone();
        let end = match self.on_abandon {
            OnAbandon::Cancel => "it is being canceled",
            OnAbandon::Leave => "it continues to run",
        };
        let state = match &last_seen {
            Some(seen) if has_ended(seen) => {
                let (id, status) = (&seen["id"], &seen["status"]);
                format!("prediction {id} had finished ({status}), but some of its events had not arrived")
            }
            Some(seen) => format!("prediction {} was still {}; {end}", seen["id"], seen["status"]),
            None => format!("the API had not responded to the create; if the prediction exists, {end}"),
        };
        let error = Error::new(
            ErrorKind::Deadline,
            format!("The timeout of {} s passed: {state}.", timeout.as_secs_f64()),
        );
        match last_seen {
            Some(seen) => error.with_prediction(seen),
            None => error,
        }
    }
}

impl Drop for CancelGuard {
    fn drop(&mut self) {
        self.abandoned.store(true, Ordering::SeqCst);
        let last_seen = lock(&self.last_seen).take();
        let running = last_seen.as_ref().filter(|seen| !has_ended(seen));
        if let (OnAbandon::Cancel, Some(id)) = (self.on_abandon, running.and_then(|seen| seen["id"].as_str()))
        {
            background::cancel(self.client.clone(), &self.spawner, id.to_owned());
        }
    }
}
