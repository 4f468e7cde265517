//! The body of a request that creates a prediction or a training.

use crate::http::problem::Problem;
use crate::request::{BodyReader, Call, is_web_url};
use crate::support::json::{Object, Raw, raw};
use crate::webhook::WebhookEvent;

/// A validated body, except for the schema of the input.
pub(super) struct CreateBody {
    pub(super) version: Option<String>,
    pub(super) destination: Option<String>,
    pub(super) input: Raw,
    pub(super) values: Object,
    pub(super) webhook: Option<String>,
    pub(super) filter: Option<Vec<WebhookEvent>>,
}

impl CreateBody {
    /// Returns a body with an input only. An input that is not an object counts as empty.
    pub(super) fn from_input(input: &str) -> Self {
        let values: Object = serde_json::from_str(input).unwrap_or_default();
        Self { version: None, destination: None, input: raw(&values), values, webhook: None, filter: None }
    }

    /// Reads the body. `targets` are the required members beside the input.
    pub(super) fn read(call: &Call, targets: &[&str]) -> Result<Self, Problem> {
        let mut body = BodyReader::new(call)?;
        let mut target =
            |name: &'static str| targets.contains(&name).then(|| body.text(name, true)).flatten();
        let (version, destination) = (target("version"), target("destination"));
        let input = body.object("input");
        let webhook = body.text("webhook", false);
        if webhook.as_deref().is_some_and(|url| !is_web_url(url)) {
            body.report("format", "webhook", "Must be an https URL (this server also accepts http)");
        }
        let names = body.texts("webhook_events_filter");
        let filter = names.map(|names| read_filter(&names, &mut body));
        if destination.is_none() {
            // Has no effect any more, but is still allowed.
            body.flag("stream");
        }
        body.finish()?;
        let (input, values) = input.unwrap_or_else(|| (raw(&Object::new()), Object::new()));
        Ok(Self { version, destination, input, values, webhook, filter })
    }
}

fn read_filter(names: &[String], body: &mut BodyReader) -> Vec<WebhookEvent> {
    let mut filter = Vec::new();
    for (index, name) in names.iter().enumerate() {
        match WebhookEvent::ALL.iter().find(|event| event.name() == name) {
            Some(event) => filter.push(*event),
            None => {
                let text = "must be one of the following: \"start\", \"output\", \"logs\", \"completed\"";
                body.report("enum", &format!("webhook_events_filter.{index}"), text);
            }
        }
    }
    filter
}
