//! The context of a running model.

use std::borrow::Cow;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::files::Files;
use crate::job::Job;
use crate::support::json::{Raw, raw};
use crate::support::time::Pace;

/// A running job as its model sees it. A model reads files, writes logs, sets output and saves files through it.
#[derive(Clone)]
pub(crate) struct Run {
    pub(crate) job: Arc<Job>,
    pub(crate) files: Arc<Files>,
    pub(crate) pace: Pace,
    /// Whether this is the example of a model: nothing sleeps, and files are built when they are first read.
    pub(crate) is_example: bool,
}

impl Run {
    /// Writes a line to the logs.
    pub(crate) fn log(&self, line: impl AsRef<str>) {
        self.write(&format!("{}\n", line.as_ref()));
    }

    /// Appends text to the logs.
    pub(crate) fn write(&self, text: &str) {
        self.job.log(text, self.pace.now());
    }

    /// Appends a text to the output list.
    pub(crate) fn emit(&self, item: &str) {
        self.emit_value(raw(item));
    }

    /// Appends an item to the output list.
    pub(crate) fn emit_value(&self, item: Raw) {
        self.job.emit(item, self.pace.now());
    }

    /// Sets the whole output.
    pub(crate) fn output(&self, value: Raw) {
        self.job.set_output(value, self.pace.now());
    }

    pub(crate) fn metric(&self, name: &str, value: f64) {
        self.job.metric(name, value);
    }

    pub(crate) async fn sleep(&self, duration: Duration) {
        if !self.is_example {
            self.pace.sleep(duration).await;
        }
    }

    /// Reads the file input `name`. The error is the message of the failed prediction.
    pub(crate) async fn fetch(&self, name: &str, uri: &str) -> Result<Bytes, String> {
        self.files.read(uri).await.map_err(|error| {
            self.log(format!("Could not read input.{name}"));
            format!("Could not read input.{name}: {error}")
        })
    }

    /// Saves an output file and returns its URL.
    pub(crate) fn save(
        &self,
        name: &str,
        content_type: impl Into<Cow<'static, str>>,
        bytes: Vec<u8>,
    ) -> String {
        self.add(self.files.save_output(self.job.spec.retention, name, content_type, bytes))
    }

    /// Builds an output file with CPU-bound work, saves it and returns its URL.
    pub(crate) async fn render(
        &self,
        name: &str,
        content_type: &'static str,
        work: impl Fn() -> Result<Vec<u8>, String> + Send + Sync + 'static,
    ) -> Result<String, String> {
        if self.is_example {
            let path = self.files.defer_output(self.job.spec.retention, name, content_type, Box::new(work));
            return Ok(self.add(path));
        }
        Ok(self.save(name, content_type, self.compute(work).await?))
    }

    /// Records an output file, given by its path, and returns its URL.
    fn add(&self, path: String) -> String {
        let url = format!("{}/files/{path}", self.job.spec.origin);
        self.job.add_file(path);
        url
    }

    /// Runs CPU-bound work off the thread that serves requests.
    pub(crate) async fn compute<T, F>(&self, work: F) -> Result<T, String>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T, String> + Send + 'static,
    {
        match tokio::task::spawn_blocking(work).await {
            Ok(result) => result,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => resume_unwind(panic),
                Err(error) => Err(error.to_string()),
            },
        }
    }
}

/// Converts seconds of an input to a duration that a timer accepts.
pub(crate) fn seconds(value: f64) -> Duration {
    Duration::from_secs_f64(if value.is_finite() { value.clamp(0.0, 86_400.0) } else { 0.0 })
}
