//! The subscriber that turns events and spans into records for sinks.

use std::sync::{
    Arc, Once,
    atomic::{AtomicU8, AtomicU64, Ordering::Relaxed},
};

use tracing::{
    Event, Metadata, Subscriber,
    level_filters::LevelFilter,
    span::{Attributes, Id, Record},
    subscriber::Interest,
};
use tracing_core::span::Current;

use super::{
    Level, Sink,
    attached::{enter_span, exit_span, innermost, sink},
    fields::Fields,
    open_spans::{self, Entry},
};
use crate::{platform::wall_clock, value::Value};

/// The most verbose level of all sinks so far, as the number of its variant.
static MOST_VERBOSE: AtomicU8 = AtomicU8::new(0);

/// Installs the recorder before the first sink is used. Without sinks, an event costs one atomic load.
pub(super) fn install(level: Level, spans: bool) {
    static INSTALL: Once = Once::new();
    let level = if spans { level.max(Level::Info) } else { level } as u8;
    let before = MOST_VERBOSE.fetch_max(level, Relaxed);
    // Fails if the program has a subscriber, which only a program in Rust can have.
    INSTALL.call_once(|| drop(tracing::subscriber::set_global_default(Recorder::default())));
    if level > before {
        tracing::callsite::rebuild_interest_cache();
    }
}

#[derive(Default)]
struct Recorder {
    last: AtomicU64,
}

fn sink_of(id: &Id) -> Option<Arc<Sink>> {
    open_spans::with(|spans| spans.get(&id.into_u64()).map(|entry| entry.sink.clone()))
}

impl Subscriber for Recorder {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if metadata.target().starts_with("replicant") { Interest::sometimes() } else { Interest::never() }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(match MOST_VERBOSE.load(Relaxed) {
            level if level == Level::Off as u8 => LevelFilter::OFF,
            level if level == Level::Warn as u8 => LevelFilter::WARN,
            level if level == Level::Info as u8 => LevelFilter::INFO,
            _ => LevelFilter::DEBUG,
        })
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let Some(sink) = sink() else { return false };
        if metadata.is_span() { sink.spans } else { sink.level.allows(metadata.level()) }
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let id = self.last.fetch_add(1, Relaxed) + 1;
        let Some(sink) = sink() else { return Id::from_u64(id) };
        let parent = match attributes.parent() {
            Some(parent) => Some(parent.into_u64()),
            None if attributes.is_contextual() => innermost(),
            None => None,
        };
        let metadata = attributes.metadata();
        let entry = Entry { metadata, sink: sink.clone(), references: 1 };
        open_spans::with(|spans| spans.insert(id, entry));
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        let name = fields.take("otel.name").unwrap_or_else(|| metadata.name().to_owned());
        let kind = fields.take("otel.kind");
        (sink.receive)(Value::from_members([
            ("span", "open".into()),
            ("id", id.into()),
            ("parent", parent.into()),
            ("name", name.into()),
            ("kind", kind.into()),
            ("attributes", fields.0.into()),
            ("time", now()),
        ]));
        Id::from_u64(id)
    }

    fn record(&self, id: &Id, values: &Record<'_>) {
        let Some(sink) = sink_of(id) else { return };
        let mut fields = Fields::default();
        values.record(&mut fields);
        let status = fields.take("otel.status_code");
        if status.is_none() && fields.0.is_empty() {
            return;
        }
        (sink.receive)(Value::from_members([
            ("span", "set".into()),
            ("id", id.into_u64().into()),
            ("status", status.into()),
            ("attributes", fields.0.into()),
        ]));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let Some(sink) = sink() else { return };
        let mut fields = Fields::default();
        event.record(&mut fields);
        let message = fields.take("message").unwrap_or_default();
        let text = fields.line(&message);
        (sink.receive)(Value::from_members([
            ("event", message.into()),
            ("level", event.metadata().level().as_str().to_ascii_lowercase().into()),
            ("fields", fields.0.into()),
            ("text", text.into()),
        ]));
    }

    fn enter(&self, id: &Id) {
        enter_span(id.into_u64());
    }

    fn exit(&self, id: &Id) {
        exit_span(id.into_u64());
    }

    fn clone_span(&self, id: &Id) -> Id {
        open_spans::with(|spans| {
            if let Some(entry) = spans.get_mut(&id.into_u64()) {
                entry.references += 1;
            }
        });
        id.clone()
    }

    fn try_close(&self, id: Id) -> bool {
        let id = id.into_u64();
        let closed = open_spans::with(|spans| {
            let entry = spans.get_mut(&id)?;
            entry.references -= 1;
            if entry.references > 0 { None } else { spans.remove(&id) }
        });
        let Some(Entry { sink, .. }) = closed else { return false };
        (sink.receive)(Value::from_members([("span", "close".into()), ("id", id.into()), ("time", now())]));
        true
    }

    fn current_span(&self) -> Current {
        let known = innermost().and_then(|id| open_spans::with(|spans| Some((id, spans.get(&id)?.metadata))));
        known.map_or_else(Current::none, |(id, metadata)| Current::new(Id::from_u64(id), metadata))
    }
}

/// Returns the time in nanoseconds since the Unix epoch.
fn now() -> Value {
    u64::try_from(wall_clock().as_nanos()).ok().into()
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use tracing::Instrument;

    use std::sync::Mutex;

    use super::*;
    use crate::{
        platform::{BoxFuture, lock},
        telemetry::attach,
    };

    /// Returns the records of `work` in one line each.
    fn records(level: Level, spans: bool, work: BoxFuture<'static, ()>) -> Vec<String> {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let records = seen.clone();
        let receive = move |record: Value| {
            let line = match record["span"].as_str() {
                Some(change) => format!("{change} {} {}", record["name"], record["attributes"]),
                None => format!("{} {}", record["level"], record["text"]),
            };
            lock(&records).push(line);
        };
        attach(Sink::new(level, spans, Arc::new(receive)), work).now_or_never().expect("ready work");
        lock(&seen).clone()
    }

    #[test]
    fn a_sink_receives_the_events_of_its_work_up_to_its_level() {
        let work = || -> BoxFuture<'static, ()> {
            Box::pin(async {
                tracing::info!(target: "replicant", path = "/v1/a b", status = 200_u16, missing = None::<u64>, "done");
                tracing::debug!(target: "replicant", "detail");
                tracing::info!(target: "h2", "a frame");
            })
        };
        assert_eq!(records(Level::Info, false, work()), [r#"info done path="/v1/a b" status=200"#]);
        assert_eq!(records(Level::Debug, false, work()).len(), 2);
        assert!(records(Level::Off, false, work()).is_empty());
        work().now_or_never().expect("ready work");
    }

    #[test]
    fn spans_are_reported_with_their_attributes_until_the_last_reference_is_dropped() {
        let seen = records(
            Level::Off,
            true,
            Box::pin(async {
                let span = tracing::info_span!(target: "replicant", "s", otel.name = "POST", a.b = 1, c = tracing::field::Empty);
                async {
                    tracing::Span::current().record("c", "x");
                }
                .instrument(span.clone())
                .await;
                drop(span);
            }),
        );
        assert_eq!(seen.len(), 3, "{seen:?}");
        assert!(seen[0].starts_with("open POST ") && seen[0].contains("a.b"), "{seen:?}");
        assert!(seen[1].starts_with("set ") && seen[2].starts_with("close"), "{seen:?}");
    }
}
