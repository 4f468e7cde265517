//! From a reference to its events.

use std::future::IntoFuture;

use futures_util::{TryStreamExt, stream};

use super::plan::{Plan, plan_options};
use crate::{
    error::{ErrorKind, Result},
    exchange::within,
    platform::BoxFuture,
    request::RequestOptions,
    resources::predictions::Hold,
    stream::{Event, EventStream, PARTIAL, read_events},
    upload::UploadWatch,
};

/// A model about to be run for its events: `.await` the [`EventStream`].
///
/// # Errors
/// Those of a create, and [`ErrorKind::StreamUnsupported`]; the stream itself fails with
/// [`ErrorKind::PredictionFailed`], [`ErrorKind::StreamInterrupted`] or [`ErrorKind::Deadline`], each with what
/// had come in [`Error::partial`](crate::Error::partial).
///
/// ```no_run
/// # async fn example(client: replicant::Client) -> replicant::Result<()> {
/// use futures_util::TryStreamExt;
///
/// let run = client.stream("acme/text", replicant::json!({"prompt": "Sing."}));
/// let text: Vec<String> = run.await?.text().try_collect().await?;
/// # Ok(()) }
/// ```
#[must_use = "a model is run when this is awaited"]
#[derive(Debug, Clone)]
pub struct StreamRun {
    pub(super) plan: Plan,
}

impl StreamRun {
    plan_options!();

    /// Polls a model that has no events for its output, and gives that as `output` events, instead of failing
    /// with [`ErrorKind::StreamUnsupported`].
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// let events = client.stream("acme/painter", replicant::json!({"prompt": "a heron"})).poll_output().await?;
    /// # Ok(()) }
    /// ```
    pub fn poll_output(mut self) -> Self {
        self.plan.poll_output = true;
        self
    }

    pub(crate) fn options_mut(&mut self) -> &mut RequestOptions {
        &mut self.plan.options
    }

    pub(crate) fn watch_uploads(&mut self, uploads: UploadWatch) {
        self.plan.uploads = uploads;
    }
}

impl IntoFuture for StreamRun {
    type Output = Result<EventStream>;
    type IntoFuture = BoxFuture<'static, Result<EventStream>>;

    fn into_future(self) -> Self::IntoFuture {
        let mut plan = self.plan;
        Box::pin(async move {
            let life = plan.life();
            // As the official clients do: older servers and recorded responses have a stream only then.
            plan.prediction.stream.get_or_insert(true);
            let hold = plan.prediction.hold(Hold::None)?;
            let (prediction, deadline) = plan.limited(&life, plan.create(&life, hold)).await?;
            let options = plan.options.clone();
            let events = match read_events(&plan.client, &prediction, plan.files(), options.clone()) {
                Err(error) if plan.poll_output && error.kind() == ErrorKind::StreamUnsupported => {
                    super::polled::events(&plan.client, prediction.clone(), plan.files(), options)
                }
                events => events?,
            };
            life.note_end(&prediction);
            // In a box, because it is moved in and out for each event.
            let state = Box::new((events, life, deadline, plan, String::new()));
            let events = stream::try_unfold(state, |mut state| async move {
                let (events, life, deadline, plan, partial) = &mut *state;
                let next = match deadline.remaining(plan.client.runtime()) {
                    None => events.try_next().await,
                    Some(left) => match within(plan.client.runtime(), left, events.try_next()).await {
                        Some(next) => next,
                        None => Err(life
                            .deadline_error(plan.timeout.unwrap_or_default())
                            .with_partial(partial.as_str().into())),
                    },
                };
                if matches!(&next, Ok(Some(Event { event, .. })) if event == "done")
                    || matches!(&next, Err(error) if has_ended(error.kind()))
                {
                    life.over();
                }
                if let (Some(_), Ok(Some(event))) = (plan.timeout, &next)
                    && partial.len() < PARTIAL
                {
                    // What an event prints is its part of the output.
                    partial.push_str(&event.to_string());
                }
                Ok(next?.map(|event| (event, state)))
            });
            Ok(EventStream::new(prediction, Box::pin(events)))
        })
    }
}

pub(super) fn has_ended(kind: ErrorKind) -> bool {
    use ErrorKind::{PredictionAborted, PredictionCanceled, PredictionFailed};
    matches!(kind, PredictionFailed | PredictionCanceled | PredictionAborted)
}
