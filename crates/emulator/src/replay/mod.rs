//! The replay server, separate from the API: it plays scripted exchanges of requests and responses, byte for byte.
//! `tests/cases/README.md` describes the format.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::http::access::Access;
use crate::support::lock;

mod connection;
mod exchange;
mod expect;
mod player;
mod request;
mod script;

pub(crate) use connection::serve;
pub use script::Script;

/// The listener that a request arrived at. The two listeners are different origins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Main,
    Other,
}

impl Side {
    fn name(self) -> &'static str {
        match self {
            Self::Main => "main",
            Self::Other => "other",
        }
    }
}

/// How many scripts are kept; the oldest is dropped first.
const MOST_SCRIPTS: usize = 1000;

/// All scripts.
pub(crate) struct Replays {
    pub(crate) origin: String,
    pub(crate) other: String,
    access: Arc<Access>,
    /// Oldest first.
    scripts: Mutex<IndexMap<String, Arc<Script>>>,
    count: AtomicU64,
    dropped: AtomicU64,
}

impl Replays {
    pub(crate) fn new(origin: String, other: String, access: Arc<Access>) -> Self {
        Self {
            origin,
            other,
            access,
            scripts: Mutex::default(),
            count: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
        }
    }

    /// Starts a script from `{"exchanges": [...]}`. Other members are ignored.
    pub(crate) fn start(&self, body: &[u8]) -> Result<Arc<Script>, String> {
        #[derive(Deserialize)]
        struct Case {
            exchanges: Vec<Box<RawValue>>,
        }
        let text = std::str::from_utf8(body).map_err(|error| format!("The case is not UTF-8: {error}"))?;
        let name = format!("r{}", self.count.fetch_add(1, Ordering::Relaxed) + 1);
        let origin = format!("{}/_replay/{name}", self.origin);
        let other = format!("{}/_replay/{name}", self.other);
        let text = text
            .replace("{{base}}", &format!("{origin}/v1"))
            .replace("{{origin}}", &origin)
            .replace("{{other}}", &other);
        let case: Case =
            serde_json::from_str(&text).map_err(|error| format!("The case cannot be read: {error}"))?;
        let mut exchanges = Vec::new();
        for (index, exchange) in case.exchanges.iter().enumerate() {
            let exchange = exchange::Exchange::read(exchange);
            exchanges.push(exchange.map_err(|error| format!("Exchange {}: {error}", index + 1))?);
        }
        let script = Arc::new(Script::new(name.clone(), origin, other, exchanges));
        let mut scripts = lock(&self.scripts);
        if scripts.len() >= MOST_SCRIPTS {
            scripts.shift_remove_index(0);
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        scripts.insert(name, script.clone());
        Ok(script)
    }

    pub(crate) fn get(&self, name: &str) -> Option<Arc<Script>> {
        lock(&self.scripts).get(name).cloned()
    }

    /// Returns how many scripts have been dropped to bound the memory.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    pub(crate) fn clear(&self) {
        lock(&self.scripts).clear();
        self.dropped.store(0, Ordering::Relaxed);
    }
}
