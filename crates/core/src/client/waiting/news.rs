//! What other parts of the process learn about waiting predictions: from webhooks and event streams.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, atomic::Ordering},
};

use indexmap::IndexSet;
use tokio::sync::Notify;

use super::Waiting;
use crate::{platform::lock, value::Value};

/// What is new about a prediction.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum News {
    /// It has ended, and this is its final state.
    Ended(Value),
    /// It has probably ended, so a poll is due.
    Changed,
}

/// How many ends are remembered for those that begin to wait later.
const RECENT: usize = 10_000;

/// The subscriptions of a process.
#[derive(Debug, Default)]
pub(super) struct Subscriptions {
    by_prediction: HashMap<String, Vec<Arc<Slot>>>,
    /// The last predictions that ended while nobody waited: a webhook may overtake the response to the create.
    recent: IndexSet<String>,
}

impl Subscriptions {
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.by_prediction.len()
    }
}

#[derive(Debug, Default)]
struct Slot {
    news: Mutex<Option<News>>,
    notify: Notify,
}

impl Waiting {
    /// Subscribes to news about a prediction, if it `may_have_news` or if there has been any news in this process.
    pub fn subscribe(self: &Arc<Self>, id: &str, may_have_news: bool) -> Option<Subscription> {
        if !may_have_news && !self.has_news.load(Ordering::Relaxed) {
            return None;
        }
        let slot = Arc::<Slot>::default();
        let mut state = lock(&self.state);
        let Subscriptions { by_prediction, recent } = &mut state.subscriptions;
        if recent.contains(id) {
            *lock(&slot.news) = Some(News::Changed);
        }
        by_prediction.entry(id.to_owned()).or_default().push(slot.clone());
        drop(state);
        Some(Subscription { waiting: self.clone(), id: id.to_owned(), slot })
    }

    /// Passes news on to all that wait for a prediction. Returns `true` if any does.
    pub fn announce(&self, id: &str, news: impl Fn() -> News) -> bool {
        self.has_news.store(true, Ordering::Relaxed);
        let mut state = lock(&self.state);
        let Subscriptions { by_prediction, recent } = &mut state.subscriptions;
        let Some(slots) = by_prediction.get(id).cloned() else {
            if recent.len() == RECENT {
                // All at once, since removing the first one moves all others.
                recent.drain(..RECENT / 2);
            }
            recent.insert(id.to_owned());
            return false;
        };
        // The values of webhooks are copied without the lock.
        drop(state);
        for slot in &slots {
            let mut unread = lock(&slot.news);
            // A final state is better news than a change.
            if !matches!(*unread, Some(News::Ended(_))) {
                *unread = Some(news());
            }
            drop(unread);
            slot.notify.notify_one();
        }
        true
    }

    /// Returns `true` if webhooks have announced ends to this process, so that predictions with a webhook need few polls.
    pub fn webhooks_arrive(&self) -> bool {
        self.webhooks_arrive.load(Ordering::Relaxed)
    }

    /// Records whether a webhook announced the end of a waiting prediction, or a poll had to find it.
    pub fn record_webhook(&self, arrived: bool) {
        self.webhooks_arrive.store(arrived, Ordering::Relaxed);
    }
}

/// Receives the news about one prediction. Dropping it unregisters it.
pub(crate) struct Subscription {
    waiting: Arc<Waiting>,
    id: String,
    slot: Arc<Slot>,
}

impl Subscription {
    /// Waits for news.
    pub async fn next(&self) -> News {
        loop {
            if let Some(news) = lock(&self.slot.news).take() {
                return news;
            }
            self.slot.notify.notified().await;
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut state = lock(&self.waiting.state);
        let by_prediction = &mut state.subscriptions.by_prediction;
        if let Some(slots) = by_prediction.get_mut(&self.id) {
            slots.retain(|slot| !Arc::ptr_eq(slot, &self.slot));
            if slots.is_empty() {
                by_prediction.remove(&self.id);
            }
        }
    }
}
