//! A run whose output is read: its time limit, its guard, its span and its partial output.

use std::{fmt::Display, time::Duration};

use futures_util::{TryStreamExt, stream};
use tracing::Instrument;

use super::{cancel_guard::CancelGuard, event_reader::MAX_PARTIAL, run_span::RunSpan};
use crate::{
    client::Client,
    error::Result,
    http::{deadline::Deadline, time_limit::within},
    platform::{BoxStream, MaybeSend},
};

/// A run whose output is read item by item.
pub(super) struct OpenRun {
    pub client: Client,
    pub guard: CancelGuard,
    pub span: RunSpan,
    pub deadline: Deadline,
    /// The timeout of which the deadline is the end.
    pub timeout: Option<Duration>,
    /// The output so far, for an error and the span.
    pub partial: String,
}

impl OpenRun {
    /// Yields items until they end or the timeout passes. Dropping the stream before the last item abandons the run.
    pub fn read<T: Display + MaybeSend + 'static>(
        self,
        items: BoxStream<'static, Result<T>>,
        is_last: fn(&T) -> bool,
    ) -> BoxStream<'static, Result<T>> {
        // Boxed because it is moved in and out for each item.
        let state = Box::new((self, items));
        Box::pin(stream::try_unfold(state, move |mut state| async move {
            let (run, items) = &mut *state;
            let next = run.next(items).await;
            if let Ok(Some(item)) = &next
                && run.partial.len() < MAX_PARTIAL
            {
                // `Display` writes the output of an event.
                run.partial.push_str(&item.to_string());
            }
            if matches!(&next, Ok(item) if item.as_ref().is_none_or(is_last)) {
                run.end();
            }
            Ok(next?.map(|item| (item, state)))
        }))
    }

    async fn next<T>(&mut self, items: &mut BoxStream<'static, Result<T>>) -> Result<Option<T>> {
        // The spans of reconnections belong to that of the run.
        let next = items.try_next().instrument(self.span.span());
        let runtime = self.client.runtime();
        let next = match self.deadline.remaining(runtime) {
            None => next.await,
            Some(left) => within(runtime, left, next)
                .await
                .unwrap_or_else(|| Err(self.guard.deadline_error(self.timeout.unwrap_or_default()))),
        };
        next.map_err(|error| {
            if error.kind().ends_prediction() {
                self.guard.disarm();
            }
            self.span.end(Err(&error));
            match error.partial() {
                Some(_) => error,
                None => self.client.without_token(error.with_partial(self.partial.as_str().into())),
            }
        })
    }

    fn end(&mut self) {
        if let Some(seen) = self.guard.disarm() {
            self.span.done(&seen, &self.partial);
        }
    }
}
