//! What a call reports while it runs: events for a logger, spans for OpenTelemetry, and questions to the hooks of the
//! user. `node/src/telemetry.ts` has the other half.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
};

use replicant::{
    BoxFuture, Error, ErrorKind, Result, Value,
    bindings::{Following, HookResult, Wanted, lock},
    hooks::HeaderChanges,
    platform::Callback,
};
use tokio::sync::oneshot;

use crate::{Channel, Message, to_json};

/// Returns what reports to the receiver of a call in JavaScript, to which records are sent under `number`.
pub fn follow(wanted: Wanted, number: u32, channel: &impl Channel) -> Following {
    let (channel, asks) = (channel.clone(), channel.clone());
    let records = Arc::new(Records(Arc::new(move |message| channel.send(number, message))));
    let asked = records.clone();
    // The headers of spans are answers too.
    let wanted = Wanted { on_request: wanted.on_request || wanted.spans, ..wanted };
    Following::new(
        wanted,
        move |record, _| records.send(&record),
        move |question| ask(&asked, asks.ended(), question),
    )
}

/// Sends records to the receiver of a call.
struct Records(Callback<Message>);

impl Records {
    fn send(&self, record: &Value) {
        if let Ok(json) = to_json(record) {
            (self.0)(Message::Record(json));
        }
    }
}

impl Drop for Records {
    /// Nothing reports to the receiver any more.
    fn drop(&mut self) {
        (self.0)(Message::Unfollowed);
    }
}

/// The headers to change as JSON, or nothing if the hook threw.
type Answer = Option<String>;

/// The questions without an answer, by their numbers.
static ASKED: Mutex<Option<HashMap<u32, oneshot::Sender<Answer>>>> = Mutex::new(None);

fn asker_of(ask: u32) -> Option<oneshot::Sender<Answer>> {
    lock(&ASKED).as_mut()?.remove(&ask)
}

/// Answers a question of a hook: the headers to change as JSON, `[["x-tenant", "acme"], ["x-old", null]]`, or nothing if
/// the hook threw.
pub fn answer(ask: u32, changes: Answer) {
    if let Some(asker) = asker_of(ask) {
        // Fails if the call was abandoned.
        let _ = asker.send(changes);
    }
}

fn header_changes(answer: Answer) -> Result<HeaderChanges> {
    let json = answer.ok_or_else(|| Error::new(ErrorKind::Internal, "a hook threw an exception"))?;
    let pair = |pair: &Value| Some((pair[0].as_str()?.to_owned(), pair[1].as_str().map(str::to_owned)));
    Ok(Value::from_json(json.as_bytes())?.as_array().unwrap_or_default().iter().filter_map(pair).collect())
}

/// Forgets a question when its answer is not awaited any more.
struct Forget(u32);

impl Drop for Forget {
    fn drop(&mut self) {
        drop(asker_of(self.0));
    }
}

/// Asks the hooks of a call. There is no answer once their thread has `ended`.
fn ask(records: &Records, ended: BoxFuture<'static, ()>, mut question: Value) -> HookResult {
    static LAST: AtomicU32 = AtomicU32::new(0);
    let ask = LAST.fetch_add(1, Ordering::Relaxed);
    question["ask"] = ask.into();
    let (asker, answered) = oneshot::channel();
    lock(&ASKED).get_or_insert_default().insert(ask, asker);
    let forget = Forget(ask);
    records.send(&question);
    Box::pin(async move {
        let _forget = forget;
        tokio::select! {
            answer = answered => answer.ok().map(header_changes),
            () = ended => None,
        }
    })
}
