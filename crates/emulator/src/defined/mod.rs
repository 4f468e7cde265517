//! Models that tests define: scripted ones, and functions of the test.

mod function;
mod remote;
mod schema;
mod script;

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

pub(crate) use function::Function;
pub use function::ModelRun;
pub(crate) use remote::{Event, Hub};
pub use script::Scripted;

use crate::config::Timing;
use crate::model::{Engine, Schema};
use crate::support::ids;
use crate::support::json::Fields;

/// The description of a model that a test defines.
///
/// ```
/// use replicant_emulator::Definition;
///
/// let schema = r#"{"type": "object", "properties": {"scale": {"type": "integer", "default": 2}}}"#;
/// let definition = Definition { input: Some(schema.into()), ..Definition::new("acme/upscaler") };
/// ```
#[derive(Clone, Debug, Default)]
pub struct Definition {
    /// `owner/name`.
    pub name: String,
    /// The description in the model object.
    pub description: Option<String>,
    /// The JSON Schema of the input, an object. `None` accepts every input.
    pub input: Option<String>,
    /// The JSON Schema of the output. `None` describes any output.
    pub output: Option<String>,
    /// The ids of the versions, newest first. Empty means one version, whose id depends on the name and the schema.
    pub versions: Vec<String>,
    /// The time in status `starting`.
    pub cold_start: Duration,
    /// The minimum time in status `processing`.
    pub run_time: Duration,
}

impl Definition {
    /// Describes a model that accepts every input and responds at once.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// Returns the owner and the name.
    pub(crate) fn names(&self) -> Result<(&str, &str), String> {
        names(&self.name).ok_or_else(|| format!("`name` must be \"owner/name\", not {:?}", self.name))
    }

    pub(crate) fn timing(&self) -> Timing {
        Timing { cold_start: self.cold_start, run: self.run_time }
    }

    /// Returns the ids of the versions.
    pub(crate) fn version_ids(&self, schema: &Schema) -> Vec<String> {
        match &self.versions[..] {
            [] => vec![ids::version_of(&self.name, schema.document.get())],
            given => given.to_vec(),
        }
    }

    /// Returns the schema of the versions. `iterates` means that the output is a list that grows.
    pub(crate) fn schema(&self, iterates: bool) -> Result<Schema, String> {
        let parse = |name: &str, text: &Option<String>, default: &str| {
            let text = text.clone().unwrap_or_else(|| default.to_owned());
            RawValue::from_string(text).map_err(|error| format!("`{name}` is not valid JSON: {error}"))
        };
        for (name, text) in [("input", &self.input), ("output", &self.output)] {
            text.as_deref().map_or(Ok(()), |text| schema::check(name, text))?;
        }
        let input = parse("input", &self.input, r#"{"type": "object", "title": "Input"}"#)?;
        let list = r#"{"type": "array", "items": {}, "title": "Output", "x-cog-array-type": "iterator"}"#;
        let output = parse("output", &self.output, if iterates { list } else { r#"{"title": "Output"}"# })?;
        let components = Fields::new().put("Input", &input).put("Output", &output).finish();
        let mut schema =
            Schema::from_components(components.get()).map_err(|error| format!("`input`: {error}"))?;
        schema.iterates |= iterates;
        Ok(schema)
    }
}

/// Splits `owner/name`.
pub(crate) fn names(text: &str) -> Option<(&str, &str)> {
    let plain = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    text.split_once('/').filter(|(owner, name)| plain(owner) && plain(name))
}

/// Reads a duration in seconds, up to a day.
fn duration(name: &str, value: Option<Value>) -> Result<Duration, String> {
    let Some(value) = value.filter(|value| !value.is_null()) else { return Ok(Duration::ZERO) };
    let seconds = value.as_f64().filter(|seconds| (0.0..=LONGEST).contains(seconds));
    let invalid = || format!("`{name}` must be a number of seconds from 0 to {LONGEST}, not {value}");
    seconds.map(Duration::from_secs_f64).ok_or_else(invalid)
}

/// A day, in seconds.
const LONGEST: f64 = 86_400.0;

/// A definition as the control API receives it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Request {
    pub(crate) name: String,
    description: Option<String>,
    input: Option<Box<RawValue>>,
    output: Option<Box<RawValue>>,
    #[serde(default)]
    versions: Vec<String>,
    cold_start: Option<Value>,
    run_time: Option<Value>,
    /// Whether the output is a list that grows while the model runs.
    #[serde(default)]
    streams: bool,
    /// The URL of the Cog server that runs the model and has its schema.
    pub(crate) cog: Option<String>,
    /// What the model does; otherwise its runs are handed to `worker`.
    script: Option<Scripted>,
    worker: Option<String>,
    /// What the worker calls the function of this definition; a model that is defined again has another one.
    definition: Option<String>,
}

impl Request {
    /// Returns the definition, its schema and the model.
    pub(crate) fn read(self, hub: &Arc<Hub>) -> Result<(Definition, Schema, Engine), String> {
        let text = |value: Option<Box<RawValue>>| value.map(|value| value.get().to_owned());
        let definition = Definition {
            name: self.name,
            description: self.description,
            input: text(self.input),
            output: text(self.output),
            versions: self.versions,
            cold_start: duration("cold_start", self.cold_start)?,
            run_time: duration("run_time", self.run_time)?,
        };
        if let Some(script) = &self.script {
            duration("delay", Some(script.delay.into()))?;
        }
        let (engine, iterates): (Engine, bool) = match (self.script, self.worker) {
            (Some(script), None) => {
                let iterates = script.iterates();
                (Arc::new(script), iterates)
            }
            (None, Some(worker)) => {
                (Arc::new(remote::Remote::new(hub.clone(), worker, self.definition)), self.streams)
            }
            _ => return Err("a model has one of `cog`, `script` and `worker`".into()),
        };
        let schema = definition.schema(iterates)?;
        Ok((definition, schema, engine))
    }
}
