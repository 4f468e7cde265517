//! Saves all files of an output to a folder.

use std::{
    fmt,
    future::IntoFuture,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::Deserialize;

use super::{
    folder::{check, save_files},
    output::{FileOutput, file_url},
};
use crate::{
    client::{
        Client,
        call::{Work, request_options},
        response::Reply,
    },
    error::{Error, Result},
    http::request::RequestOptions,
    platform::{BoxFuture, MaybeSend, MaybeSync},
    value::{Observer, PathSegment, Value, format_path},
};

const DEFAULT_CONCURRENCY: usize = 4;
const MAX_CONCURRENCY: usize = 64;

/// Parameters of the operation `output.save_all`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SaveAllParams {
    outputs: Value,
    dir: PathBuf,
    #[serde(default)]
    concurrency: Option<usize>,
}

impl SaveAllParams {
    pub fn save(self, client: &Client) -> SaveAll {
        let mut save = client.save_all(self.outputs, self.dir);
        save.concurrency = self.concurrency.unwrap_or(DEFAULT_CONCURRENCY);
        save
    }
}

/// A call that saves files; see [`Client::save_all`]. `.await` it to get the paths.
///
/// # Errors
/// The error of the first file that could not be saved:
/// [`ErrorKind::OutputExpired`](crate::ErrorKind::OutputExpired),
/// [`ErrorKind::Download`](crate::ErrorKind::Download), or
/// [`ErrorKind::FileNotWritten`](crate::ErrorKind::FileNotWritten). The other files are saved;
/// [`Error::partial`] has their paths.
///
/// ```no_run
/// # async fn example(client: replicant::Client) -> replicant::Result<()> {
/// let output = client.run("acme/painter", replicant::json!({"prompt": "herons", "num_outputs": 4})).await?;
/// for path in client.save_all(output, "herons").concurrency(2).await? {
///     println!("{}", path.display());
/// }
/// # Ok(()) }
/// ```
#[must_use = "the files are saved when this is awaited"]
pub struct SaveAll {
    client: Client,
    outputs: Value,
    folder: PathBuf,
    concurrency: usize,
    options: RequestOptions,
    observer: Option<Observer>,
}

impl Client {
    /// Saves every file of an output to `folder`, which is created if it does not exist, and returns the paths
    /// in the order of the output.
    ///
    /// `outputs` is the result of [`Client::run`], a URL, or any value that contains URLs. Of a prediction,
    /// which must have ended, only the output is saved. File names come from the URLs, such as `out-0.webp`; a name that is in use
    /// gets a number, `out-0-2.webp`. No file is replaced, and each appears once it is complete.
    pub fn save_all(&self, outputs: impl Into<Value>, folder: impl Into<PathBuf>) -> SaveAll {
        SaveAll {
            client: self.clone(),
            outputs: outputs.into(),
            folder: folder.into(),
            concurrency: DEFAULT_CONCURRENCY,
            options: RequestOptions::default(),
            observer: None,
        }
    }
}

impl SaveAll {
    request_options!();

    /// Sets the number of concurrent downloads: 1 to 64, 4 by default.
    pub fn concurrency(mut self, concurrency: usize) -> Self {
        self.concurrency = concurrency;
        self
    }

    /// Sets an observer of the progress of all files together, `{"loaded": bytes, "total": bytes}`. The total
    /// is `null` until the sizes of all files are known.
    pub fn observe(mut self, observer: impl Fn(Value) + MaybeSend + MaybeSync + 'static) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    async fn save(self) -> Result<Vec<PathBuf>> {
        if !(1..=MAX_CONCURRENCY).contains(&self.concurrency) {
            let given = self.concurrency;
            return Err(Error::invalid_argument(
                "concurrency",
                format!("must be 1 to {MAX_CONCURRENCY}, not {given}"),
            ));
        }
        check(&self.outputs)?;
        let files = self.files();
        if files.is_empty() {
            return Ok(Vec::new());
        }
        save_files(&self.folder, files, self.concurrency, self.observer).await
    }

    /// Returns the files with their paths in the outputs.
    fn files(&self) -> Vec<(String, FileOutput)> {
        let mut files = Vec::new();
        self.outputs.walk(&mut Vec::new(), &mut |leaf, path| {
            if is_outside_output(&self.outputs, path) {
                return;
            }
            let file = match leaf {
                Value::FileUrl(url) => FileOutput::new(&self.client, url),
                Value::String(url) if file_url(url).is_some() => FileOutput::new(&self.client, url),
                _ => return,
            };
            files.push((format_path("outputs", path), file.with_options(self.options.clone())));
        });
        files
    }
}

/// Returns `true` if `path` is inside a prediction but outside its output: URLs there belong to the input or
/// the API.
fn is_outside_output(root: &Value, path: &[PathSegment]) -> bool {
    let mut current = root;
    for segment in path {
        if current["urls"]["get"].as_str().is_some() {
            return !matches!(segment, PathSegment::Key(key) if key == "output");
        }
        current = match segment {
            PathSegment::Key(key) => &current[key.as_str()],
            PathSegment::Index(index) => &current[*index],
        };
    }
    false
}

pub(super) fn to_text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

impl fmt::Debug for SaveAll {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { outputs, folder, .. } = self;
        f.debug_struct("SaveAll").field("outputs", outputs).field("folder", folder).finish_non_exhaustive()
    }
}

impl IntoFuture for SaveAll {
    type Output = Result<Vec<PathBuf>>;
    type IntoFuture = BoxFuture<'static, Result<Vec<PathBuf>>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.save())
    }
}

impl Work for SaveAll {
    fn options_mut(&mut self) -> &mut RequestOptions {
        &mut self.options
    }

    fn set_observer(&mut self, observer: Observer) {
        self.observer = Some(observer);
    }

    fn reply(self) -> BoxFuture<'static, Result<Reply>> {
        Box::pin(async move {
            let paths: Vec<_> = self.save().await?.iter().map(|path| to_text(path)).collect();
            Ok(Reply::of(paths.into()))
        })
    }
}
