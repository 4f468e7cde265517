//! Work with a sink: which sink and spans the current thread works for.

use std::{
    cell::RefCell,
    future::Future,
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::Stream;
use tracing::Instrument;

use super::Sink;
use crate::platform::{BoxFuture, BoxStream};

#[derive(Default)]
struct Current {
    sink: Option<Arc<Sink>>,
    /// The entered spans, the innermost last.
    spans: Vec<u64>,
}

thread_local! {
    static CURRENT: RefCell<Current> = RefCell::default();
}

pub(super) fn sink() -> Option<Arc<Sink>> {
    CURRENT.try_with(|current| current.borrow().sink.clone()).ok().flatten()
}

pub(super) fn innermost() -> Option<u64> {
    CURRENT.try_with(|current| current.borrow().spans.last().copied()).ok().flatten()
}

pub(super) fn enter_span(id: u64) {
    let _ = CURRENT.try_with(|current| current.borrow_mut().spans.push(id));
}

pub(super) fn exit_span(id: u64) {
    let _ = CURRENT.try_with(|current| {
        let mut current = current.borrow_mut();
        if let Some(at) = current.spans.iter().rposition(|entered| *entered == id) {
            current.spans.remove(at);
        }
    });
}

/// Restores the previous sink of the thread when dropped.
struct Entered(Option<Arc<Sink>>);

impl Entered {
    fn new(sink: &Arc<Sink>) -> Self {
        let sink = Some(sink.clone());
        Self(CURRENT.try_with(|current| mem::replace(&mut current.borrow_mut().sink, sink)).ok().flatten())
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        let previous = self.0.take();
        // The last reference to a sink may be dropped here, so not while the cell is borrowed.
        let ended = CURRENT.try_with(|current| mem::replace(&mut current.borrow_mut().sink, previous));
        drop(ended);
    }
}

/// Work whose records go to a sink, also those of its destructor.
struct Attached<W> {
    sink: Arc<Sink>,
    work: Option<W>,
}

impl<T> Future for Attached<BoxFuture<'static, T>> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let _entered = Entered::new(&self.sink);
        let work = self.work.as_mut().expect("present until dropped");
        work.as_mut().poll(context)
    }
}

impl<T> Stream for Attached<BoxStream<'static, T>> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        let _entered = Entered::new(&self.sink);
        let work = self.work.as_mut().expect("present until dropped");
        work.as_mut().poll_next(context)
    }
}

impl<W> Drop for Attached<W> {
    fn drop(&mut self) {
        let _entered = Entered::new(&self.sink);
        drop(self.work.take());
    }
}

/// Sends the events and spans of a call to `sink`, including those of the background tasks that it starts.
///
/// ```no_run
/// # async fn example(client: replicant::Client) -> replicant::Result<()> {
/// use std::sync::Arc;
/// use replicant::{json, operation, telemetry::{Level, Sink, attach}};
///
/// let sink = Sink::new(Level::Info, false, Arc::new(|record| println!("{}", record["text"])));
/// attach(sink, operation::call(&client, "predictions.get", json!({"id": "4b2q8m"}).into(), None)).await?;
/// # Ok(()) }
/// ```
pub fn attach<T: 'static>(sink: Arc<Sink>, work: BoxFuture<'static, T>) -> BoxFuture<'static, T> {
    Box::pin(Attached { sink, work: Some(work) })
}

/// Like [`attach`], for a stream.
///
/// ```no_run
/// # fn example(client: replicant::Client) {
/// use std::sync::Arc;
/// use replicant::{json, operation, telemetry::{Level, Sink, attach_stream}};
///
/// let sink = Sink::new(Level::Info, false, Arc::new(|record| println!("{}", record["text"])));
/// let pages = attach_stream(sink, operation::open(&client, "models.list", json!({}).into()));
/// # }
/// ```
pub fn attach_stream<T: 'static>(sink: Arc<Sink>, work: BoxStream<'static, T>) -> BoxStream<'static, T> {
    Box::pin(Attached { sink, work: Some(work) })
}

/// Returns a task for the background whose records belong to the work that starts it.
pub(crate) fn inherit(task: BoxFuture<'static, ()>) -> BoxFuture<'static, ()> {
    let span = tracing::Span::current();
    let task = if span.is_none() { task } else { Box::pin(task.instrument(span)) };
    match sink() {
        Some(sink) => attach(sink, task),
        None => task,
    }
}
