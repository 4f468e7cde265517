//! Calls that report to a receiver of another language.

use std::{sync::Arc, time::Duration};

use futures_util::StreamExt;
use tokio::sync::watch;

use crate::{
    client::{
        Client,
        hooks::{HeaderChanges, Hooks, RequestEvent, ResponseEvent, RetryEvent},
    },
    error::Result,
    platform::{BoxFuture, BoxStream, MaybeSend, MaybeSync, real_sleep},
    telemetry::{Level, Sink, attach, attach_stream, current_span},
    value::Value,
};

/// How long a background request waits for a hook when its call has returned.
const GRACE: Duration = Duration::from_secs(1);

/// The headers that a hook changes. `None` if no hook responded.
pub type HookResult = BoxFuture<'static, Option<Result<HeaderChanges>>>;

/// What a receiver wants to know.
///
/// ```
/// use replicant::{bindings::Wanted, telemetry::Level};
///
/// let wanted = Wanted { level: Level::Info, spans: false, on_request: true, on_response: false, on_retry: false };
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// The level of the events.
    pub level: Level,
    /// Whether to report spans.
    pub spans: bool,
    /// Whether to ask before each attempt.
    pub on_request: bool,
    /// Whether to ask after each response.
    pub on_response: bool,
    /// Whether to ask before the delay of a retry.
    pub on_retry: bool,
}

/// Reports the work of one call to a receiver and asks its hooks. Dropped when the call has returned.
///
/// ```
/// use replicant::{BoxFuture, Result, Value, json};
/// use replicant::{bindings::{Following, Wanted}, hooks::HeaderChanges, operation, telemetry::Level};
///
/// # async fn example(client: replicant::Client) -> replicant::Result<()> {
/// let wanted = Wanted { level: Level::Info, spans: false, on_request: true, on_response: false, on_retry: false };
/// let record = |record: Value, _returned| println!("{}", record["text"]);
/// let ask = |question: Value| -> BoxFuture<'static, Option<Result<HeaderChanges>>> {
///     println!("{}", question["url"]);
///     Box::pin(async { Some(Ok(vec![("x-tenant".to_owned(), Some("acme".to_owned()))])) })
/// };
/// let following = Following::new(wanted, record, ask);
/// let client = following.client(&client);
/// following.work(operation::call(&client, "account.get", json!({}).into(), None)).await?;
/// # Ok(()) }
/// ```
pub struct Following {
    sink: Arc<Sink>,
    hooks: Option<Arc<dyn Hooks>>,
    /// Dropped when the call has returned.
    waiting: Arc<watch::Sender<()>>,
}

impl Following {
    /// Follows a call. `record` receives each record, and whether the call has returned. `ask` passes a question to the
    /// hooks; its member `inside` is the span in which they are asked. Without a result, or if it is still missing a
    /// second after the call has returned, the request is sent as it is.
    pub fn new(
        wanted: Wanted,
        record: impl Fn(Value, bool) + MaybeSend + MaybeSync + 'static,
        ask: impl Fn(Value) -> HookResult + MaybeSend + MaybeSync + 'static,
    ) -> Self {
        let (waiting, returned) = watch::channel(());
        let gone = returned.clone();
        let ask = move |mut question: Value| {
            if let Some(span) = current_span() {
                question["inside"] = span.into();
            }
            in_time(ask(question), returned.clone())
        };
        let asks = wanted.on_request || wanted.on_response || wanted.on_retry;
        let hooks = asks.then(|| Arc::new(Questions { wanted, ask }) as Arc<dyn Hooks>);
        let receive = Arc::new(move |value| record(value, gone.has_changed().is_err()));
        Self { sink: Sink::new(wanted.level, wanted.spans, receive), hooks, waiting: Arc::new(waiting) }
    }

    /// Returns a client that calls the hooks.
    pub fn client(&self, client: &Client) -> Client {
        match &self.hooks {
            Some(hooks) => client.with_hooks(hooks.clone()),
            None => client.clone(),
        }
    }

    /// Returns `work` with its reports.
    pub fn work<T: 'static>(&self, work: BoxFuture<'static, T>) -> BoxFuture<'static, T> {
        attach(self.sink.clone(), work)
    }

    /// Attaches reports to a stream. Dropping the stream ends the call.
    pub fn stream<T: 'static>(&self, items: BoxStream<'static, T>) -> BoxStream<'static, T> {
        let waiting = self.waiting.clone();
        let items = attach_stream(self.sink.clone(), items);
        Box::pin(items.inspect(move |_| {
            let _until_dropped = &waiting;
        }))
    }
}

/// Hooks that pass each wanted event to `ask`. The header changes that it returns apply to requests only.
struct Questions<Ask> {
    wanted: Wanted,
    ask: Ask,
}

impl<Ask> Questions<Ask>
where
    Ask: Fn(Value) -> BoxFuture<'static, Result<HeaderChanges>>,
{
    fn ask_if(
        &self,
        wanted: bool,
        event: impl FnOnce() -> Value,
    ) -> BoxFuture<'static, Result<HeaderChanges>> {
        if wanted { (self.ask)(event()) } else { Box::pin(async { Ok(HeaderChanges::new()) }) }
    }
}

impl<Ask> Hooks for Questions<Ask>
where
    Ask: Fn(Value) -> BoxFuture<'static, Result<HeaderChanges>> + MaybeSend + MaybeSync,
{
    fn on_request(&self, request: RequestEvent) -> BoxFuture<'static, Result<HeaderChanges>> {
        self.ask_if(self.wanted.on_request, || request.to_value())
    }

    fn on_response(&self, response: ResponseEvent) -> BoxFuture<'static, Result<()>> {
        let answer = self.ask_if(self.wanted.on_response, || response.to_value());
        Box::pin(async move { answer.await.map(drop) })
    }

    fn on_retry(&self, retry: RetryEvent) -> BoxFuture<'static, Result<()>> {
        let answer = self.ask_if(self.wanted.on_retry, || retry.to_value());
        Box::pin(async move { answer.await.map(drop) })
    }
}

fn in_time(
    result: HookResult,
    mut returned: watch::Receiver<()>,
) -> BoxFuture<'static, Result<HeaderChanges>> {
    Box::pin(async move {
        let gone = async {
            while returned.changed().await.is_ok() {}
            real_sleep(GRACE).await;
        };
        let result = tokio::select! {
            biased;
            result = result => result,
            () = gone => None,
        };
        result.unwrap_or_else(|| Ok(HeaderChanges::new()))
    })
}
