//! The event stream of a prediction.

use std::sync::Arc;

use axum::body::Body;
use axum::http::header;
use axum::response::IntoResponse;
use futures_util::stream;
use tokio::sync::watch;

use crate::http::gauges::GaugeGuard;
use crate::http::problem::Problem;
use crate::job::Job;
use crate::request::{Call, Reply};
use crate::state::App;

const OPENING: &str = ": hi\n\n";
const TIMED_OUT: &str = ":408: 408 Request Timeout\n\n";

/// A client's position in a stream.
struct Reader {
    app: App,
    job: Arc<Job>,
    changes: watch::Receiver<u64>,
    position: usize,
    opened: bool,
    finished: bool,
    _guard: GaugeGuard,
}

pub(super) async fn open(call: Call) -> Reply {
    let job = call.app.jobs.with_stream(call.parameter(0));
    let job = job.ok_or_else(Problem::not_found)?;
    job.remove_expired_data(call.app.now());
    let last_id = call.header("last-event-id");
    let reader = Reader {
        changes: job.changes(),
        position: last_id.map_or(0, |id| job.events(|log| log.position_after(id))),
        opened: false,
        finished: false,
        _guard: GaugeGuard::new(&call.app.gauges, |gauges| &gauges.streams),
        app: call.app,
        job,
    };
    let chunks = stream::unfold(reader, |mut reader| async move {
        let text = reader.next().await?;
        Some((Ok::<_, std::io::Error>(text), reader))
    });
    let headers =
        [(header::CONTENT_TYPE, "text/event-stream; charset=utf-8"), (header::CACHE_CONTROL, "no-cache")];
    Ok((headers, Body::from_stream(chunks)).into_response())
}

impl Reader {
    /// Returns all events since the last call, in one piece.
    async fn next(&mut self) -> Option<String> {
        if self.finished {
            return None;
        }
        if !self.opened {
            self.opened = true;
            return Some(OPENING.into());
        }
        loop {
            self.changes.mark_unchanged();
            let (text, count, finished) = self.job.events(|log| {
                let events = log.from(self.position);
                let text: String = events.iter().map(|event| event.wire.as_str()).collect();
                (text, events.len(), log.is_finished())
            });
            self.position += count;
            self.finished = finished;
            if !text.is_empty() {
                return Some(text);
            }
            if finished {
                return None;
            }
            let idle = self.app.config.stream_idle;
            if self.app.time.timeout(idle, self.changes.changed()).await.is_none() {
                self.finished = true;
                return Some(TIMED_OUT.into());
            }
        }
    }
}
