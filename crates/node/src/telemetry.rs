//! What a call reports while it runs: events for a logger, spans for OpenTelemetry, and questions to the hooks of the
//! user. `node/src/telemetry.ts` has the other half.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use napi_derive::napi;
use replicant::{
    BoxFuture, BoxStream, Client, Error, ErrorKind, Result, Value,
    hooks::{HeaderChanges, Hooks, Questions},
    telemetry::{Level, Sink, attach, attach_stream, current_span},
};
use tokio::sync::{oneshot, watch};

use crate::{
    promises::{CompletionChannel, Message},
    value,
};

/// How long a background request waits for a hook when its call has returned.
const GONE: Duration = Duration::from_secs(1);

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

/// A call whose work is followed by a receiver in JavaScript.
pub(crate) struct Following {
    sink: Arc<Sink>,
    hooks: Option<Arc<dyn Hooks>>,
    /// Dropped when the call has returned.
    _waiting: watch::Sender<()>,
}

impl Following {
    pub(crate) fn new(wanted: &Wanted, channel: &CompletionChannel) -> Self {
        let records = Arc::new(Records { number: wanted.number, channel: channel.clone() });
        let (waiting, returned) = watch::channel(());
        let (request, response, retry) =
            (wanted.on_request || wanted.spans, wanted.on_response, wanted.on_retry);
        let hooks = (request || response || retry).then(|| {
            let relay = Relay { records: records.clone(), returned };
            let ask = move |question| relay.ask(question);
            Arc::new(Questions { request, response, retry, ask }) as Arc<dyn Hooks>
        });
        let level = Level::from_name(&wanted.level).unwrap_or(Level::Off);
        let sink = Sink::new(level, wanted.spans, Arc::new(move |record| records.send(&record)));
        Self { sink, hooks, _waiting: waiting }
    }

    /// Returns a client that calls the hooks.
    pub(crate) fn client(&self, core: Client) -> Client {
        match &self.hooks {
            Some(hooks) => core.with_hooks(hooks.clone()),
            None => core,
        }
    }

    pub(crate) fn work<T: 'static>(&self, work: BoxFuture<'static, T>) -> BoxFuture<'static, T> {
        attach(self.sink.clone(), work)
    }

    /// Returns a stream that is followed until it is dropped.
    pub(crate) fn stream<T: Send + 'static>(self, items: BoxStream<'static, T>) -> BoxStream<'static, T> {
        let items = attach_stream(self.sink.clone(), items);
        let state = (items, self);
        Box::pin(futures_util::stream::unfold(state, |(mut items, following)| async move {
            let item = futures_util::StreamExt::next(&mut items).await?;
            Some((item, (items, following)))
        }))
    }
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

type Answer = oneshot::Sender<Result<HeaderChanges>>;

/// The questions without an answer, by their numbers.
static ASKED: Mutex<Option<HashMap<u32, Answer>>> = Mutex::new(None);

fn answer_of(ask: u32) -> Option<Answer> {
    ASKED.lock().unwrap_or_else(PoisonError::into_inner).as_mut()?.remove(&ask)
}

/// Answers a question: the headers to change as JSON, or nothing if the hook threw.
pub(crate) fn answer(ask: u32, changes: Option<String>) {
    let Some(asked) = answer_of(ask) else { return };
    let pair = |pair: &Value| Some((pair[0].as_str()?.to_owned(), pair[1].as_str().map(str::to_owned)));
    let changes = match changes.map(|json| Value::from_json(json.as_bytes())) {
        Some(Ok(changes)) => Ok(changes.as_array().unwrap_or_default().iter().filter_map(pair).collect()),
        Some(Err(error)) => Err(error.into()),
        None => Err(Error::new(ErrorKind::Internal, "a hook threw an exception")),
    };
    // Fails if the call was abandoned.
    let _ = asked.send(changes);
}

/// Asks the hooks of a call.
struct Relay {
    records: Arc<Records>,
    returned: watch::Receiver<()>,
}

/// Forgets a question when its answer is not awaited any more.
struct Forget(u32);

impl Drop for Forget {
    fn drop(&mut self) {
        drop(answer_of(self.0));
    }
}

impl Relay {
    fn ask(&self, mut question: Value) -> BoxFuture<'static, Result<HeaderChanges>> {
        static LAST: AtomicU32 = AtomicU32::new(0);
        let ask = LAST.fetch_add(1, Ordering::Relaxed);
        if let Some(span) = current_span() {
            question["inside"] = span.into();
        }
        question["ask"] = ask.into();
        let (answer, answered) = oneshot::channel();
        ASKED.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default().insert(ask, answer);
        let forget = Forget(ask);
        self.records.send(&question);
        let mut returned = self.returned.clone();
        Box::pin(async move {
            let _forget = forget;
            let gone = async {
                while returned.changed().await.is_ok() {}
                tokio::time::sleep(GONE).await;
            };
            tokio::select! {
                biased;
                // Without an answer the request is sent as it is.
                answer = answered => answer.unwrap_or_else(|_| Ok(HeaderChanges::new())),
                () = gone => Ok(HeaderChanges::new()),
            }
        })
    }
}
