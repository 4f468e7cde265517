//! The span of a run or a create, by the semantic conventions of OpenTelemetry for generative AI.

use tracing::{Span, field::Empty, info_span};

use crate::{
    client::{Client, redact::redacted},
    error::{Error, Result},
    identifier::{Reference, ReferenceParam},
    value::Value,
};

/// A span that ends with the run, or with the create. If it is abandoned, its `error.type` is `abandoned`, unless it is that of
/// a stream: a loop that ends early has what it needs.
pub(super) struct RunSpan {
    span: Span,
    /// Set if the client records content.
    content: Option<Client>,
    ended: bool,
    is_stream: bool,
}

impl RunSpan {
    /// Begins the span. `model` is called only if something receives it.
    pub fn new(client: &Client, model: impl Fn() -> String, input: &Value) -> Self {
        let config = client.config();
        if !config.tracing {
            return Self { span: Span::none(), content: None, ended: true, is_stream: false };
        }
        let span = info_span!(
            target: "replicant",
            "run",
            otel.name = ["generate_content ", &model()].concat().trim_end(),
            otel.kind = "client",
            otel.status_code = Empty,
            gen_ai.operation.name = "generate_content",
            gen_ai.provider.name = "replicate",
            gen_ai.request.model = model(),
            gen_ai.response.id = Empty,
            gen_ai.response.model = Empty,
            gen_ai.usage.input_tokens = Empty,
            gen_ai.usage.output_tokens = Empty,
            gen_ai.input.messages = Empty,
            gen_ai.output.messages = Empty,
            server.address = config.base_url.host_str(),
            server.port = config.base_url.port_or_known_default(),
            "error.type" = Empty,
            replicate.prediction.status = Empty,
            replicate.prediction.predict_time = Empty,
        );
        let content = (config.trace_content && !span.is_disabled()).then(|| client.clone());
        if let Some(client) = &content {
            span.record("gen_ai.input.messages", message(client, "user", input, None));
        }
        Self { span, content, ended: false, is_stream: false }
    }

    /// Makes this the span of a stream.
    pub fn of_stream(mut self) -> Self {
        self.is_stream = true;
        self
    }

    /// Returns `true` if something receives the span.
    pub fn is_received(&self) -> bool {
        !self.span.is_disabled()
    }

    pub fn span(&self) -> Span {
        self.span.clone()
    }

    /// Records the outcome: the prediction as last seen, or the error.
    pub fn end(&mut self, outcome: std::result::Result<&Value, &Error>) {
        self.ended = true;
        if self.span.is_disabled() {
            return;
        }
        if let Err(error) = outcome {
            self.span.record("error.type", error.code());
            self.span.record("otel.status_code", "ERROR");
        }
        let Some(prediction) = outcome.map_or_else(Error::prediction, Some) else { return };
        self.span.record("gen_ai.response.id", prediction["id"].as_str());
        self.span.record("gen_ai.response.model", prediction["model"].as_str());
        self.span.record("replicate.prediction.status", prediction["status"].as_str());
        let metrics = &prediction["metrics"];
        self.span.record("gen_ai.usage.input_tokens", metrics["input_token_count"].as_i64());
        self.span.record("gen_ai.usage.output_tokens", metrics["output_token_count"].as_i64());
        self.span.record("replicate.prediction.predict_time", metrics["predict_time"].as_f64());
        if let Some(client) = self.content.as_ref().filter(|_| !prediction["output"].is_null()) {
            let output = message(client, "assistant", &prediction["output"], Some("stop"));
            self.span.record("gen_ai.output.messages", output);
        }
    }

    /// Records the end of a stream, whose last event has no prediction.
    pub fn done(&mut self, created: &Value, output: &str) {
        if self.span.is_disabled() {
            self.ended = true;
            return;
        }
        let mut prediction = created.clone();
        prediction["status"] = "succeeded".into();
        prediction["output"] = output.into();
        self.end(Ok(&prediction));
    }

    /// Passes the outcome of a run on after recording it.
    pub fn ended<T>(mut self, result: Result<T>, prediction: impl FnOnce(&T) -> &Value) -> Result<T> {
        self.end(result.as_ref().map(prediction));
        result
    }
}

impl Drop for RunSpan {
    fn drop(&mut self) {
        if !self.ended && !self.is_stream {
            self.span.record("error.type", "abandoned");
            self.span.record("otel.status_code", "ERROR");
        }
    }
}

/// Returns the name of the model without its version; a version whose model is unknown has its id.
pub(super) fn model_of(reference: &ReferenceParam) -> String {
    match reference.resolve() {
        Ok(Reference::Version { model: Some((owner, name)), .. }) => format!("{owner}/{name}"),
        Ok(other) => other.to_string(),
        Err(_) => String::new(),
    }
}

/// Returns one message as JSON. Text is a part of its own; anything else is shown as JSON, without secrets. Neither has the
/// token, which a model may echo.
fn message(client: &Client, role: &str, content: &Value, finish_reason: Option<&str>) -> String {
    let is_text = content.as_str().is_some()
        || content.as_array().is_some_and(|items| items.iter().all(|item| matches!(item, Value::String(_))));
    let text = if is_text { content.text() } else { redacted(content.clone(), "").to_string() };
    let text = client.redact_token(text);
    let part = Value::from_members([("type", "text".into()), ("content", text.into())]);
    let mut message = Value::from_members([("role", role.into()), ("parts", Value::Array(vec![part]))]);
    if let Some(reason) = finish_reason {
        message["finish_reason"] = reason.into();
    }
    Value::Array(vec![message]).to_string()
}
