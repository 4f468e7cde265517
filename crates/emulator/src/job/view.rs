//! A job as answers and webhooks show it.

use super::{Job, Kind, Status};
use crate::app::lock;
use crate::clock::Stamp;
use crate::json::{Fields, Raw, null};

/// Which of its forms an object is answered in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Fresh from creation: members without a value are left out.
    Created,
    /// The answer to a create whose hold ran out: shown as if it had not begun.
    HoldExpired,
    /// Read back: members without a value are null.
    Read,
    /// In a list: as read, without logs.
    Listed,
}

impl Job {
    /// The job as the API answers it. `origin` is the address the caller used.
    pub(crate) fn view(&self, origin: &str, shape: Shape) -> Raw {
        let order = &self.order;
        let live = lock(&self.live);
        let unset = matches!(shape, Shape::Created | Shape::HoldExpired);
        let early = shape == Shape::HoldExpired || (unset && !live.status.is_terminal());
        let status = match shape {
            Shape::HoldExpired => Status::Starting,
            _ => live.status,
        };
        // The stored copy of a moment is less precise than the one answered at creation.
        let digits = if unset { 9 } else { 3 };
        let time = |stamp: Option<Stamp>| stamp.map(|stamp| stamp.rfc3339(digits));
        let output = match shape {
            Shape::HoldExpired => None,
            Shape::Created if early && !live.output_complete => None,
            _ => live.output.to_raw(),
        };
        let empty_input;
        let input = if live.data_removed {
            empty_input = Fields::new().finish();
            &empty_input
        } else {
            &order.input
        };

        let mut fields = Fields::new()
            .put("id", &order.id)
            .put("model", &order.model)
            .put("version", &order.version)
            .put_some("deployment", order.deployment.as_ref())
            .put("input", input);
        if shape != Shape::Listed {
            fields = fields.put("logs", if early { "" } else { &live.logs });
        }
        fields = match output {
            Some(output) => fields.put("output", &output),
            None if unset => fields,
            None => fields.put("output", &null()),
        };
        fields = fields
            .put("data_removed", &live.data_removed)
            .put("error", &live.error)
            .put("source", order.source)
            .put("status", &status)
            .put("created_at", &order.created_at.rfc3339(digits))
            .put_some("deadline", time(order.deadline));
        if !early {
            let (started, completed) = (time(live.started_at), time(live.completed_at));
            if unset {
                fields = fields.put_some("started_at", started).put_some("completed_at", completed);
            } else {
                fields = fields.put("started_at", &started).put("completed_at", &completed);
            }
            fields = fields.put("metrics", &metrics(&live.metrics));
        }
        fields = fields.put("urls", &self.urls(origin, unset));
        if let Some(webhook) = &order.webhook {
            fields = fields.put("webhook", webhook);
            fields = fields.put_some("webhook_events_filter", order.webhook_filter.as_ref());
        }
        fields.finish()
    }

    fn urls(&self, origin: &str, fresh: bool) -> Raw {
        let order = &self.order;
        // A training just created is still addressed as a prediction.
        let kind = match order.kind {
            Kind::Training if !fresh => "trainings",
            _ => "predictions",
        };
        let id = &order.id;
        let stream = order.stream_key.as_ref().map(|key| format!("{origin}/v1/streams/{key}"));
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
