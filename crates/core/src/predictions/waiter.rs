//! Waits for the next state of a prediction: by polling it, and by what webhooks and event streams say meanwhile.

use std::time::Duration;

#[cfg(not(target_arch = "wasm32"))]
use super::snapshot::is_terminal;
use super::{poll::Polling, snapshot::Snapshot};
#[cfg(not(target_arch = "wasm32"))]
use crate::client::waiting::{News, Seat, Subscription};
use crate::{
    client::{Client, pause::Hints},
    error::Result,
    value::Value,
};

/// A prediction that is waited for.
pub(super) struct Waiter {
    /// When waiting began, on the clock of the client.
    #[cfg(not(target_arch = "wasm32"))]
    started: Duration,
    #[cfg(not(target_arch = "wasm32"))]
    seat: Option<Seat>,
    /// Only if there may be news: subscribing costs a few percent of a run.
    #[cfg(not(target_arch = "wasm32"))]
    subscription: Option<Subscription>,
}

impl Waiter {
    #[cfg(target_arch = "wasm32")]
    pub fn new(_: &Client, _: &Snapshot, _: &Polling, _started: Duration) -> Self {
        Self {}
    }

    #[cfg(not(target_arch = "wasm32"))]
    pub fn new(client: &Client, prediction: &Snapshot, polling: &Polling, started: Duration) -> Self {
        let may_have_news = prediction.has_webhook() || prediction.stream_url().is_some();
        Self {
            started,
            seat: client.seat(prediction, polling),
            subscription: client.waiting().subscribe(prediction.id().unwrap_or_default(), may_have_news),
        }
    }

    /// Waits for the next state. It has all members, or only its status is new. `pause` is the time before a poll, unless many
    /// predictions share their polls.
    pub async fn next(
        &mut self,
        client: &Client,
        prediction: &Snapshot,
        polling: &Polling,
        pause: impl Fn() -> Duration,
    ) -> Result<Snapshot> {
        #[cfg(target_arch = "wasm32")]
        return client.poll_after(prediction, polling, pause).await;
        #[cfg(not(target_arch = "wasm32"))]
        loop {
            let Self { started, seat, subscription } = &mut *self;
            let poll = async {
                if let Some(seat) = seat
                    && seat.shares()
                {
                    // Boxed to keep the future small: few predictions are polled like this.
                    return Box::pin(client.poll_together(prediction, polling, *started, seat)).await;
                }
                client.poll_after(prediction, polling, &pause).await
            };
            let news = tokio::select! {
                biased;
                news = next_news(subscription.as_ref()) => news,
                seen = poll => {
                    let seen = seen?;
                    if seen.is_terminal() && client.hints(prediction).announced {
                        // The webhook was lost, or is late.
                        client.waiting().record_webhook(false);
                    }
                    return Ok(seen);
                }
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

#[cfg(not(target_arch = "wasm32"))]
async fn next_news(subscription: Option<&Subscription>) -> News {
    match subscription {
        Some(subscription) => subscription.next().await,
        None => std::future::pending().await,
    }
}

impl Client {
    /// Returns what the pauses between the polls of a prediction depend on.
    pub(super) fn hints(&self, prediction: &Snapshot) -> Hints {
        let usual = prediction.model().and_then(|model| self.run_times().usual(model));
        #[cfg(target_arch = "wasm32")]
        let announced = false;
        #[cfg(not(target_arch = "wasm32"))]
        let announced = self.waiting().webhooks_arrive() && prediction.has_final_webhook();
        Hints { usual, announced }
    }

    /// Passes a prediction that a webhook delivered on to those that wait for it.
    #[cfg_attr(
        target_arch = "wasm32",
        allow(unused_variables, reason = "predictions are waited for alone there")
    )]
    pub(crate) fn announce_delivered(&self, prediction: &Value) {
        #[cfg(not(target_arch = "wasm32"))]
        if let Some(id) = prediction["id"].as_str()
            && is_terminal(prediction["status"].as_str().unwrap_or_default())
            && self.waiting().announce(id, || News::Ended(prediction.clone()))
        {
            self.waiting().record_webhook(true);
        }
    }

    /// Lets those that wait for a prediction poll it, because its event stream has ended.
    #[cfg_attr(
        target_arch = "wasm32",
        allow(unused_variables, reason = "predictions are waited for alone there")
    )]
    pub(super) fn announce_change(&self, prediction: &Snapshot) {
        #[cfg(not(target_arch = "wasm32"))]
        if let Some(id) = prediction.id() {
            self.waiting().announce(id, || News::Changed);
        }
    }
}
