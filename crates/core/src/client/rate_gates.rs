//! The rate gates of a token: one for each kind of requests, shared by all clients of a process with the same token and origin, so
//! that one limit holds for all of them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, Weak},
    time::Duration,
};

use sha2::{Digest, Sha256};

use super::{
    config::Config, options::RateLimitOption, rate_gate::RateGate, rate_state::RateLimits, waiting::Waiting,
};
use crate::{
    http::rate_limit::{CREATES, Limit, OTHERS, POLLS},
    platform::{PerProcess, lock},
};

/// Identifies clients that share their gates, without the token.
type Key = [u8; 32];

static SHARED: PerProcess<Mutex<HashMap<Key, Weak<RateGates>>>> = PerProcess::new();

/// The gates of a token at an origin.
pub(crate) struct RateGates {
    creates: RateGate,
    polls: RateGate,
    others: RateGate,
    waiting: Arc<Waiting>,
}

/// The kinds of requests, each of which has its own limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Create,
    Poll,
    Other,
}

impl Kind {
    /// Returns the kind of a request to a path of the API, or `None` for a cancel, which must not wait.
    pub fn of(method: &str, path: &str) -> Option<Self> {
        match method {
            "POST" if path.ends_with("/predictions") => Some(Self::Create),
            "POST" if path.ends_with("/cancel") => None,
            "GET" if path.contains("/predictions/") => Some(Self::Poll),
            _ => Some(Self::Other),
        }
    }
}

impl RateGates {
    fn new(maximum: Option<f64>) -> Self {
        Self {
            creates: RateGate::new(Limit::new(CREATES, maximum, true)),
            polls: RateGate::new(Limit::new(POLLS, None, false)),
            others: RateGate::new(Limit::new(OTHERS, None, false)),
            waiting: Arc::default(),
        }
    }

    /// Returns the predictions that wait.
    pub(super) fn waiting(&self) -> Arc<Waiting> {
        self.waiting.clone()
    }

    /// Returns the gates of a client, or `None` if it has none. Clients with a clock of their own share no gates.
    pub fn of(config: &Config) -> Option<Arc<Self>> {
        let maximum = match config.rate_limit {
            RateLimitOption::Off => return None,
            RateLimitOption::Learned => None,
            RateLimitOption::PerMinute(maximum) => Some(maximum),
        };
        if cfg!(target_arch = "wasm32") || !config.shares_clock {
            return Some(Arc::new(Self::new(maximum)));
        }
        let header = config.headers.iter().rfind(|(name, _)| name.eq_ignore_ascii_case("authorization"));
        let token = config.token.as_deref().unwrap_or_default();
        let authorization = header.map_or(["Bearer ", token], |(_, value)| ["", value]);
        let mut hasher = Sha256::new();
        hasher.update(maximum.unwrap_or_default().to_bits().to_le_bytes());
        hasher.update(config.base_url.origin().ascii_serialization());
        // No origin contains a line feed.
        hasher.update("\n");
        // In parts, because a copy of the token would stay in memory.
        authorization.iter().for_each(|part| hasher.update(part));
        let mut shared = lock(SHARED.get());
        if let Some(gates) = shared.get(&Key::from(hasher.clone().finalize())).and_then(Weak::upgrade) {
            return Some(gates);
        }
        shared.retain(|_, gates| gates.strong_count() > 0);
        let gates = Arc::new(Self::new(maximum));
        shared.insert(hasher.finalize().into(), Arc::downgrade(&gates));
        Some(gates)
    }

    /// Returns how many polls are left, as reported, or 0 if that is not known.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn polls_left(&self) -> u64 {
        self.polls.left()
    }

    pub(super) fn gate(&self, kind: Kind) -> &RateGate {
        match kind {
            Kind::Create => &self.creates,
            Kind::Poll => &self.polls,
            Kind::Other => &self.others,
        }
    }

    /// Returns the state of each gate.
    pub fn state(&self, now: Duration) -> RateLimits {
        RateLimits {
            creates: self.creates.state(now),
            polls: self.polls.state(now),
            others: self.others.state(now),
        }
    }
}
