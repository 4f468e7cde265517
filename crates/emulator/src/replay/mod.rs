//! Scripted exchanges: the requests a client is expected to send, and the answer to each, down to the bytes.
//!
//! The format is described in `tests/cases/README.md`.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::app::lock;

mod connection;
mod exchange;
mod expect;
mod player;
mod request;
mod script;

pub(crate) use connection::serve;
pub use script::Script;

/// Which of the two replay listeners a request arrived at.
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

/// All runs of scripts.
pub(crate) struct Replays {
    pub(crate) origin: String,
    pub(crate) other: String,
    scripts: Mutex<HashMap<String, Arc<Script>>>,
    count: AtomicU64,
}

impl Replays {
    pub(crate) fn new(origin: String, other: String) -> Self {
        Self { origin, other, scripts: Mutex::default(), count: AtomicU64::new(0) }
    }

    /// Starts a run of the exchanges in `{"exchanges": [...]}`; other members are left alone.
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
        lock(&self.scripts).insert(name, script.clone());
        Ok(script)
    }

    pub(crate) fn get(&self, name: &str) -> Option<Arc<Script>> {
        lock(&self.scripts).get(name).cloned()
    }
}
