//! The JSON of a job in responses and webhooks.

use super::{Job, Kind, Status};
use crate::support::json::{Fields, Raw, null};
use crate::support::lock;
use crate::support::time::Timestamp;

/// The form of a job in a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// The response to a create: omits members without a value.
    Created,
    /// The response to a create whose hold ended with the output: shows a job that has just succeeded as processing.
    Output,
    /// The response to a create whose hold timed out: shows the job as if it had not started.
    HoldExpired,
    /// The response to a read: members without a value are null.
    Read,
    /// An item of a list: as `Read`, without logs.
    Listed,
}

/// What a list of jobs shows of each.
pub(crate) struct Summary {
    pub(crate) status: Status,
    /// The JSON of the input.
    pub(crate) input: Raw,
    /// The seconds from the start to the end.
    pub(crate) ran: Option<f64>,
}

impl Job {
    /// Returns what a list shows, without copying the output.
    pub(crate) fn summary(&self) -> Summary {
        let state = lock(&self.state);
        let ran = state.completed_at.zip(state.started_at).map(|(end, start)| end.since(start));
        Summary { status: state.status, input: state.input.clone(), ran }
    }

    /// Returns the prediction or training object of the API. `origin` is the origin that the client uses.
    pub(crate) fn view(&self, origin: &str, shape: Shape) -> Raw {
        let spec = &self.spec;
        let state = lock(&self.state);
        let unset = matches!(shape, Shape::Created | Shape::Output | Shape::HoldExpired);
        let status = match (shape, state.status) {
            (Shape::HoldExpired, _) => Status::Starting,
            // On a busy machine the job may succeed before the response is written.
            (Shape::Output, Status::Succeeded) => Status::Processing,
            (_, status) => status,
        };
        let early = unset && !status.is_terminal();
        // As the API does: timestamps are stored with less precision than the create shows.
        let digits = if unset { 9 } else { 3 };
        let format = |time: Option<Timestamp>| time.map(|time| time.rfc3339(digits));
        let output = match shape {
            Shape::HoldExpired => None,
            Shape::Created | Shape::Output if early && !state.output_complete => None,
            _ => state.output.to_raw(),
        };
        let mut fields = Fields::new()
            .put("id", &spec.id)
            .put("model", &spec.model)
            .put("version", &spec.version)
            .put_some("deployment", spec.deployment.as_ref())
            .put("input", &state.input);
        if shape != Shape::Listed {
            let logs = if early { "" } else { &state.logs };
            fields = fields.put("logs", &(!state.never_started).then_some(logs));
        }
        fields = match output {
            Some(output) => fields.put("output", &output),
            None if unset => fields,
            None => fields.put("output", &null()),
        };
        fields = fields
            .put("data_removed", &state.data_removed)
            .put("error", &state.error)
            .put("source", spec.source)
            .put("status", &status)
            .put("created_at", &spec.created_at.rfc3339(digits))
            .put_some("deadline", format(spec.deadline));
        if !early {
            let (started, completed) = (format(state.started_at), format(state.completed_at));
            if unset {
                fields = fields.put_some("started_at", started).put_some("completed_at", completed);
            } else {
                fields = fields.put("started_at", &started).put("completed_at", &completed);
            }
            fields = fields.put("metrics", &metrics(&state.metrics));
        }
        fields = fields.put("urls", &self.urls(origin, unset));
        if let Some(webhook) = &spec.webhook {
            fields = fields.put("webhook", webhook);
            fields = fields.put_some("webhook_events_filter", spec.webhook_filter.as_ref());
        }
        fields.finish()
    }

    fn urls(&self, origin: &str, fresh: bool) -> Raw {
        let spec = &self.spec;
        // As the API does: the response to a create shows the training's URLs as those of a prediction.
        let kind = match spec.kind {
            Kind::Training if !fresh => "trainings",
            _ => "predictions",
        };
        let id = &spec.id;
        let folder = if spec.streams_files { "files" } else { "streams" };
        let stream = spec.stream_key.as_ref().map(|key| format!("{origin}/v1/{folder}/{key}"));
        Fields::new()
            .put("cancel", &format!("{origin}/v1/{kind}/{id}/cancel"))
            .put("get", &format!("{origin}/v1/{kind}/{id}"))
            .put_some("stream", stream)
            .put("web", &format!("https://replicate.com/p/{id}"))
            .finish()
    }
}

fn metrics(entries: &[(String, f64)]) -> Raw {
    let mut fields = Fields::new();
    for (name, value) in entries {
        let whole = value.fract() == 0.0 && name.ends_with("_count");
        fields = if whole { fields.put(name, &(*value as u64)) } else { fields.put(name, value) };
    }
    fields.finish()
}
