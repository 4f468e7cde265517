//! The output of a run.

use std::{fmt, ops::Deref};

use serde::{Serialize, Serializer, de::DeserializeOwned};

use crate::{
    client::Client,
    error::{Error, ErrorKind, Result},
    files::output::FileOutput,
    value::Value,
};

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

    /// Decodes the output as a type, in which the URL of a file is a string.
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// #[derive(Debug, serde::Deserialize)]
    /// struct Word {
    ///     word: String,
    ///     start: f64,
    /// }
    /// let input = replicant::json!({"audio": "https://example.com/speech.mp3"});
    /// let words: Vec<Word> = client.run("acme/transcriber", input).await?.decode()?;
    /// println!("{words:?}");
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::InvalidResponse`](crate::ErrorKind::InvalidResponse) if the output does not have the form of the type.
    pub fn decode<T: DeserializeOwned>(self) -> Result<T> {
        self.value.decode().map_err(|error| {
            let path = error.argument().unwrap_or_default();
            let dot = if path.is_empty() || path.starts_with('[') { "" } else { "." };
            let place = format!("output{dot}{path}");
            let why = format!("unexpected output: `{place}` {error}");
            Error::new(ErrorKind::InvalidResponse, why).with_source(error)
        })
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
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
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

    #[test]
    fn an_output_decodes_as_a_type() {
        let client = Client::new(Options::default()).unwrap();
        let output = |json: serde_json::Value| Output::new(&client, client.with_files(json.into()));
        let words = output(crate::json!([{"word": "https://replicate.delivery/a", "start": 0.5}]));
        let words: Vec<(String, f64)> =
            words.decode::<Vec<Word>>().unwrap().into_iter().map(Word::pair).collect();
        assert_eq!(words, [("https://replicate.delivery/a".to_owned(), 0.5)]);
        let error = output(crate::json!([{"word": 1, "start": 0.5}])).decode::<Vec<Word>>().err().unwrap();
        assert_eq!(error.kind(), ErrorKind::InvalidResponse);
        assert_eq!(error.message(), "unexpected output: `output[0].word` must be a string, not 1");
    }

    #[derive(serde::Deserialize)]
    struct Word {
        word: String,
        start: f64,
    }

    impl Word {
        fn pair(self) -> (String, f64) {
            (self.word, self.start)
        }
    }
}
