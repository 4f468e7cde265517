//! Waits for the next state of a prediction: by polling it, and by what webhooks and event streams say meanwhile.

use std::{pin::pin, time::Duration};

use super::{
    poll::Polling,
    snapshot::{Snapshot, is_terminal},
};
use crate::{
    client::{
        Client,
        pause::Hints,
        waiting::{News, Seat, Subscription},
    },
    error::Result,
    value::Value,
};

/// A prediction that is waited for.
pub(super) struct Waiter {
    /// When waiting began, on the clock of the client.
    started: Duration,
    seat: Option<Seat>,
    /// Only if there may be news: subscribing costs a few percent of a run.
    subscription: Option<Subscription>,
}

impl Waiter {
    pub fn new(client: &Client, prediction: &Snapshot, polling: &Polling, started: Duration) -> Self {
        let may_have_news = prediction.has_webhook() || prediction.stream_url().is_some();
        Self {
            started,
            seat: client.seat(prediction, polling),
            subscription: client.waiting().subscribe(prediction.id().unwrap_or_default(), may_have_news),
        }
    }

    /// Waits for the next state. It has all members, or only its status is new. `pause` is the time before a poll, by default an
    /// adaptive one. If many predictions share their polls, neither applies.
    pub async fn next(
        &mut self,
        client: &Client,
        prediction: &Snapshot,
        polling: &Polling,
        pause: Option<Duration>,
    ) -> Result<Snapshot> {
        loop {
            let Self { started, seat, subscription } = &mut *self;
            let news = 'news: {
                let mut poll = pin!(async {
                    if let Some(seat) = seat
                        && seat.shares()
                    {
                        // Boxed to keep the future small: few predictions are polled like this.
                        return Box::pin(client.poll_together(prediction, polling, *started, seat)).await;
                    }
                    client.poll_after(prediction, polling, *started, pause).await
                });
                let seen = match subscription {
                    None => poll.await?,
                    Some(subscription) => tokio::select! {
                        biased;
                        news = subscription.next() => break 'news news,
                        seen = &mut poll => seen?,
                    },
                };
                if seen.is_terminal() && client.hints(prediction).announced {
                    // The webhook was lost, or is late.
                    client.waiting().record_webhook(false);
                }
                return Ok(seen);
            };
            if let News::Ended(prediction) = news {
                return Ok(Snapshot::new(prediction));
            }
            match seat {
                // Within the budget: many may end at a time.
                Some(seat) if seat.is_shared() => seat.expect_end(),
                seat => {
                    // The schedule would wait forever for a poll that the news ended.
                    if let Some(seat) = seat {
                        seat.leave();
                    }
                    if let Some(seen) = client.poll_now(prediction, polling).await? {
                        return Ok(seen);
                    }
                }
            }
        }
    }
}

impl Client {
    /// Returns what the pauses between the polls of a prediction depend on.
    pub(super) fn hints(&self, prediction: &Snapshot) -> Hints {
        let usual = prediction.model().and_then(|model| self.run_times().usual(model));
        let announced = self.waiting().webhooks_arrive() && prediction.has_final_webhook();
        Hints { usual, announced }
    }

    /// Passes a prediction that a webhook delivered on to those that wait for it.
    pub(crate) fn announce_delivered(&self, prediction: &Value) {
        if let Some(id) = prediction["id"].as_str()
            && is_terminal(prediction["status"].as_str().unwrap_or_default())
            && self.waiting().announce(id, || News::Ended(prediction.clone()))
        {
            self.waiting().record_webhook(true);
        }
    }

    /// Lets those that wait for a prediction poll it, because its event stream has ended.
    pub(super) fn announce_change(&self, prediction: &Snapshot) {
        if let Some(id) = prediction.id() {
            self.waiting().announce(id, || News::Changed);
        }
    }
}
