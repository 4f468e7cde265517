//! The output of a run.

use std::{fmt, ops::Deref};

use serde::{Serialize, Serializer};

use crate::{client::Client, files::output::FileOutput, value::Value};

/// The output of a model: a [`Value`] whose files can be read.
///
/// ```no_run
/// # async fn example(client: replicant::Client) -> replicant::Result<()> {
/// let output = client.run("black-forest-labs/flux-schnell", replicant::json!({"prompt": "a heron"})).await?;
/// for (n, file) in output.files().into_iter().enumerate() {
///     file.save(format!("heron-{n}.webp")).await?;
/// }
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Output {
    value: Value,
    client: Client,
}

impl Output {
    pub(crate) fn new(client: &Client, value: Value) -> Self {
        Self { value, client: client.clone() }
    }

    /// Returns all files of the output, in depth-first order.
    pub fn files(&self) -> Vec<FileOutput> {
        let mut files = Vec::new();
        self.value.walk(&mut Vec::new(), &mut |leaf, _| {
            files.extend(leaf.as_file_url().map(|url| FileOutput::new(&self.client, url)));
        });
        files
    }

    /// Returns the output as a value, in which a file is a [`Value::FileUrl`].
    pub fn into_value(self) -> Value {
        self.value
    }
}

impl Deref for Output {
    type Target = Value;

    fn deref(&self) -> &Value {
        &self.value
    }
}

impl From<Output> for Value {
    fn from(output: Output) -> Self {
        output.value
    }
}

impl Serialize for Output {
    /// Writes the value, with the URLs of its files.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(serializer)
    }
}

impl PartialEq<&str> for Output {
    fn eq(&self, other: &&str) -> bool {
        self.value == *other
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

impl Client {
    /// Returns `true` if URLs of files become file outputs: by the option of a call, otherwise by that of the client.
    pub(super) fn uses_files(&self, option: Option<bool>) -> bool {
        option.unwrap_or(self.config().use_file_output)
    }

    /// Returns an output, with its files if they are used.
    pub(super) fn with_files_if(&self, use_file_output: bool, output: Value) -> Value {
        if use_file_output { self.with_files(output) } else { output }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::options::Options;

    #[test]
    fn an_output_with_files_is_json() {
        let client = Client::new(Options::default()).unwrap();
        let json = crate::json!(["https://replicate.delivery/a/b.png", {"seed": 7}]);
        let output = Output::new(&client, client.with_files(json.clone().into()));
        assert_eq!(output.files().len(), 1);
        assert_eq!(serde_json::to_value(&output).unwrap(), json);
    }
}
