//! What a call reports while it runs: events for a logger, spans for OpenTelemetry, and questions to the hooks of the
//! user. `node/src/telemetry.ts` has the other half.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

use napi_derive::napi;
use replicant::{
    Error, ErrorKind, Result, Value,
    hooks::HeaderChanges,
    operation::{self, Answer, Following},
    telemetry::Level,
};
use tokio::sync::oneshot;

use crate::{
    promises::{CompletionChannel, Message},
    value,
};

/// What a call reports.
#[napi(object, object_to_js = false)]
pub struct Wanted {
    /// The number under which JavaScript receives the records.
    pub number: u32,
    /// The level of the events.
    pub level: String,
    pub spans: bool,
    pub on_request: bool,
    pub on_response: bool,
    pub on_retry: bool,
}

/// Returns what reports to the receiver of a call in JavaScript.
pub(crate) fn follow(wanted: &Wanted, channel: &CompletionChannel) -> Following {
    let records = Arc::new(Records { number: wanted.number, channel: channel.clone() });
    let asked = records.clone();
    let wanted = operation::Wanted {
        level: Level::from_name(&wanted.level).unwrap_or(Level::Off),
        spans: wanted.spans,
        on_request: wanted.on_request || wanted.spans,
        on_response: wanted.on_response,
        on_retry: wanted.on_retry,
    };
    Following::new(wanted, move |record, _| records.send(&record), move |question| ask(&asked, question))
}

/// Sends records to the receiver of a call.
struct Records {
    number: u32,
    channel: CompletionChannel,
}

impl Records {
    fn send(&self, record: &Value) {
        if let Ok(json) = value::to_json(record) {
            self.channel.send(self.number, Message::Record(json));
        }
    }
}

impl Drop for Records {
    /// Nothing reports to the receiver any more.
    fn drop(&mut self) {
        self.channel.send(self.number, Message::Unfollowed);
    }
}

/// The questions without an answer, by their numbers.
static ASKED: Mutex<Option<HashMap<u32, oneshot::Sender<Result<HeaderChanges>>>>> = Mutex::new(None);

fn take_asked(ask: u32) -> Option<oneshot::Sender<Result<HeaderChanges>>> {
    ASKED.lock().unwrap_or_else(PoisonError::into_inner).as_mut()?.remove(&ask)
}

/// Answers a question: the headers to change as JSON, or nothing if the hook threw.
pub(crate) fn answer(ask: u32, changes: Option<String>) {
    let Some(asked) = take_asked(ask) else { return };
    let pair = |pair: &Value| Some((pair[0].as_str()?.to_owned(), pair[1].as_str().map(str::to_owned)));
    let changes = match changes.map(|json| Value::from_json(json.as_bytes())) {
        Some(Ok(changes)) => Ok(changes.as_array().unwrap_or_default().iter().filter_map(pair).collect()),
        Some(Err(error)) => Err(error.into()),
        None => Err(Error::new(ErrorKind::Internal, "a hook threw an exception")),
    };
    // Fails if the call was abandoned.
    let _ = asked.send(changes);
}

/// Forgets a question when its answer is not awaited any more.
struct Forget(u32);

impl Drop for Forget {
    fn drop(&mut self) {
        drop(take_asked(self.0));
    }
}

/// Asks the hooks of a call.
fn ask(records: &Records, mut question: Value) -> Answer {
    static LAST: AtomicU32 = AtomicU32::new(0);
    let ask = LAST.fetch_add(1, Ordering::Relaxed);
    question["ask"] = ask.into();
    let (asked, answer) = oneshot::channel();
    ASKED.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default().insert(ask, asked);
    let forget = Forget(ask);
    records.send(&question);
    Box::pin(async move {
        let _forget = forget;
        answer.await.ok()
    })
}
