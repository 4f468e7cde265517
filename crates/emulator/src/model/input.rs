//! The input of a job.

use std::sync::Arc;

use serde::Deserialize;

use super::schema::Schema;
use crate::support::json::{Fields, Object, Raw};

/// The input of a job, with the defaults of its schema.
#[derive(Clone)]
pub(crate) struct Input {
    /// The input as it was sent.
    pub(crate) raw: Raw,
    values: Arc<Object>,
    schema: Arc<Schema>,
}

impl Input {
    pub(crate) fn new(raw: Raw, values: Object, schema: Arc<Schema>) -> Self {
        Self { raw, values: Arc::new(values), schema }
    }

    /// Returns a member or its default. A null counts as missing.
    pub(crate) fn value(&self, name: &str) -> Option<Raw> {
        let sent = self.values.get(name).filter(|value| value.get() != "null");
        sent.map(|value| Raw::from(value.clone())).or_else(|| self.schema.default_of(name))
    }

    /// Returns the input with the defaults of its schema for missing members.
    pub(crate) fn complete(&self) -> Raw {
        let defaults = self.schema.defaults().filter(|(name, _)| !self.values.contains_key(*name));
        let defaults: Vec<_> = defaults.collect();
        if defaults.is_empty() {
            return self.raw.clone();
        }
        let sent = self.values.iter().map(|(name, value)| (name.as_str(), Raw::from(value.clone())));
        let mut fields = Fields::new();
        for (name, value) in sent.chain(defaults) {
            fields = fields.put(name, &value);
        }
        fields.finish()
    }

    /// Returns a member as it was sent, including null.
    pub(crate) fn sent(&self, name: &str) -> Option<Raw> {
        self.values.get(name).map(|value| Raw::from(value.clone()))
    }

    fn decode<'a, T: Deserialize<'a>>(value: &'a Raw) -> Option<T> {
        serde_json::from_str(value.get()).ok()
    }

    pub(crate) fn text(&self, name: &str) -> Option<String> {
        Self::decode(&self.value(name)?)
    }

    pub(crate) fn number(&self, name: &str) -> Option<f64> {
        Self::decode(&self.value(name)?)
    }

    /// Returns an integer, written as `3` or `3.0`.
    pub(crate) fn integer(&self, name: &str) -> Option<i64> {
        let value = self.value(name)?;
        Self::decode(&value).or_else(|| self.number(name).map(|number| number as i64))
    }

    pub(crate) fn flag(&self, name: &str) -> bool {
        self.value(name).and_then(|value| Self::decode(&value)).unwrap_or(false)
    }

    pub(crate) fn texts(&self, name: &str) -> Option<Vec<String>> {
        Self::decode(&self.value(name)?)
    }

    /// Returns a string that the schema requires.
    pub(crate) fn required_text(&self, name: &str) -> Result<String, String> {
        self.text(name).ok_or_else(|| format!("input.{name} is missing"))
    }
}
