//! Scripted models.

use serde::Deserialize;
use serde_json::Value;

use crate::model::run::seconds;
use crate::model::{Input, Model, Run, Work};
use crate::support::json::raw;

/// What a scripted model does: logs, outputs and an optional failure.
///
/// ```
/// use replicant_emulator::Scripted;
///
/// let script = Scripted { outputs: Some(vec!["Hello".into(), " world".into()]), delay: 0.1, ..Scripted::default() };
/// ```
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Scripted {
    /// The items of the output, which the model emits one by one.
    pub outputs: Option<Vec<Value>>,
    /// The whole output.
    pub output: Option<Value>,
    /// The seconds before each output, and before the end of a model without outputs.
    pub delay: f64,
    /// The error with which the prediction fails, after its outputs.
    pub fails: Option<String>,
    /// The logs, written at the start.
    pub logs: Option<String>,
}

impl Scripted {
    /// Returns a script with one output; of a list, each item is emitted.
    pub(crate) fn from_output(output: &Value) -> Self {
        match output.clone() {
            Value::Array(items) => Self { outputs: Some(items), ..Self::default() },
            output => Self { output: Some(output), ..Self::default() },
        }
    }

    /// Reports whether the output is a list that grows.
    pub(crate) fn iterates(&self) -> bool {
        self.outputs.is_some()
    }
}

impl Model for Scripted {
    fn run(&self, _input: Input, run: Run) -> Work<'_> {
        Box::pin(async move {
            for line in self.logs.iter().flat_map(|logs| logs.lines()) {
                run.log(line);
            }
            let delay = seconds(self.delay);
            for item in self.outputs.iter().flatten() {
                run.sleep(delay).await;
                run.emit_value(raw(item));
            }
            if self.outputs.is_none() {
                run.sleep(delay).await;
            }
            match (&self.fails, &self.output) {
                (Some(error), _) => return Err(error.clone()),
                (None, Some(output)) => run.output(raw(output)),
                (None, None) => {}
            }
            Ok(())
        })
    }
}
