//! Converts errors to data for the bindings.

use super::{Error, causes, headers_value, reason_phrase};
use crate::value::{Object, Value};

impl Error {
    /// Returns all fields as an object. Fields without a value are omitted.
    pub fn to_value(&self) -> Value {
        let mut fields = Object::new();
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                fields.insert(name.to_owned(), value);
            }
        };
        put("code", Some(self.code().into()));
        put("message", Some(self.to_string().into()));
        put("argument", self.argument().map(Value::from));
        put("method", self.0.method.map(Value::from));
        put("url", self.0.url.clone().map(Value::from));
        put("status", self.status().map(|status| i64::from(status).into()));
        if let Some(response) = self.response() {
            put("status_text", Some(reason_phrase(response.status).into()));
            put("hint", Some(self.0.hint.as_str().into()).filter(|_| !self.0.hint.is_empty()));
            put("type", response.problem_type.clone().map(Value::from));
            put("title", response.title.clone().map(Value::from));
            put("detail", response.detail.clone().map(Value::from));
            put("instance", response.instance.clone().map(Value::from));
            put("invalid_fields", response.invalid_fields.clone());
            put("body", Some(response.body.clone().into()));
            put("headers", Some(headers_value(&response.headers)));
        }
        put("request_id", self.request_id().map(Value::from));
        put("retry_after", self.0.retry_after.map(|wait| wait.as_secs_f64().into()));
        put("outcome_unknown", self.0.outcome_unknown.then_some(true.into()));
        put("prediction", self.0.prediction.clone());
        put("partial", self.0.partial.clone());
        put("reason", self.reason().map(|reason| reason.name().into()));
        put("cause", Some(self.cause().into()).filter(|cause| *cause != ""));
        Value::Object(fields)
    }

    /// Returns the texts of the causes, or an empty string.
    pub(super) fn cause(&self) -> String {
        causes(self).map(ToString::to_string).collect::<Vec<_>>().join(": ")
    }
}
