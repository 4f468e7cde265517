//! Models that are functions of a Rust test.

use std::pin::Pin;

use serde_json::Value;

use crate::model::{Input, Model, Run, Work};
use crate::support::json::raw;

type Future = Pin<Box<dyn std::future::Future<Output = Result<Value, String>> + Send>>;

/// A model that calls a function. The result is the output, unless it is null.
pub(crate) struct Function(Box<dyn Fn(Value, ModelRun) -> Future + Send + Sync>);

impl Function {
    pub(crate) fn new<F, R>(function: F) -> Self
    where
        F: Fn(Value, ModelRun) -> R + Send + Sync + 'static,
        R: std::future::Future<Output = Result<Value, String>> + Send + 'static,
    {
        Self(Box::new(move |input, run| Box::pin(function(input, run))))
    }
}

impl Model for Function {
    fn run(&self, input: Input, run: Run) -> Work<'_> {
        Box::pin(async move {
            let values = serde_json::from_str(input.complete().get()).map_err(|error| error.to_string())?;
            let output = (self.0)(values, ModelRun(run.clone())).await?;
            if !output.is_null() {
                run.output(raw(&output));
            }
            Ok(())
        })
    }
}

/// A running prediction, as the function of a model sees it.
#[derive(Clone)]
pub struct ModelRun(Run);

impl ModelRun {
    /// Returns the id of the prediction.
    pub fn id(&self) -> &str {
        &self.0.job.spec.id
    }

    /// Writes a line to the logs.
    pub fn log(&self, line: impl AsRef<str>) {
        self.0.log(line);
    }

    /// Appends an item to the output, which then is a list, and sends it to streams.
    pub fn emit(&self, item: impl Into<Value>) {
        self.0.emit_value(raw(&item.into()));
    }

    /// Reads the file of an input: a `data:` URI, the URL of an upload, or any other HTTP URL.
    ///
    /// # Errors
    /// The reason why the file cannot be read. It suits as the error of the prediction.
    pub async fn read(&self, uri: &str) -> Result<Vec<u8>, String> {
        self.0.files.read(uri).await.map(Vec::from)
    }

    /// Saves an output file and returns its URL.
    pub fn save(&self, name: &str, content_type: &str, bytes: Vec<u8>) -> String {
        self.0.save(name, content_type.to_owned(), bytes)
    }
}

impl std::fmt::Debug for ModelRun {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ModelRun").field("id", &self.id()).finish_non_exhaustive()
    }
}
