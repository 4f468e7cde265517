//! Saves all files of an output to a folder.

use std::{
    future::IntoFuture,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use futures_util::{StreamExt, stream};
use serde::Deserialize;

use super::{
    download::Download,
    file_names::Names,
    output::{FileOutput, file_url, redacted},
};
use crate::{
    client::{
        Client,
        call::{Work, request_options},
        response::Reply,
    },
    error::{Error, Result},
    http::{body_progress::transfer_progress, request::RequestOptions},
    native::{AtomicFile, create_folder},
    platform::{BoxFuture, MaybeSend, MaybeSync, lock},
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
    /// only the output is saved. File names come from the URLs, such as `out-0.webp`; a name that is in use
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
        let files = self.files();
        if files.is_empty() {
            return Ok(Vec::new());
        }
        let folder = Folder::open(&self.folder).await?;
        let progress = TotalProgress::new(files.len(), self.observer);
        let mut saves = Vec::new();
        for (index, (_, file)) in files.iter().enumerate() {
            // Names are assigned in order first, so that they do not depend on the speed of downloads.
            let name = folder.unused_name(&super::file_names::name_of(file.url()));
            let (folder, progress) = (&folder, &progress);
            saves.push(async move {
                let report = |loaded, total| progress.report(index, loaded, total);
                (index, folder.save(file, name, report).await)
            });
        }
        let mut results: Vec<_> = stream::iter(saves).buffer_unordered(self.concurrency).collect().await;
        results.sort_by_key(|(index, _)| *index);
        collect_paths(&files, results.into_iter().map(|(_, result)| result).collect())
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

/// Returns all paths, or the first error with the number of failures and the paths of the saved files.
fn collect_paths(files: &[(String, FileOutput)], results: Vec<Result<PathBuf>>) -> Result<Vec<PathBuf>> {
    let failed = results.iter().filter(|result| result.is_err()).count();
    let mut first = None;
    let mut paths = Vec::new();
    for ((place, file), result) in files.iter().zip(results) {
        match result {
            Ok(path) => paths.push(Some(path)),
            Err(error) => {
                first.get_or_insert((place, file, error));
                paths.push(None);
            }
        }
    }
    let Some((place, file, error)) = first else { return Ok(paths.into_iter().flatten().collect()) };
    let which = match files.len() {
        1 => "Cannot save".to_owned(),
        all => format!("{failed} of {all} files could not be saved. The first is"),
    };
    let url = redacted(file.url());
    let paths: Vec<_> = paths.iter().map(|path| path.as_deref().map(to_text)).collect();
    Err(error.map_message(|why| format!("{which} `{place}` ({url}): {why}")).with_partial(paths.into()))
}

fn to_text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// The target folder and the names in use there.
struct Folder {
    path: PathBuf,
    names: Arc<Mutex<Names>>,
}

impl Folder {
    async fn open(path: &Path) -> Result<Self> {
        let (path, taken) = create_folder(path).await?;
        let mut names = Names::default();
        taken.iter().for_each(|name| names.take(name));
        Ok(Self { path, names: Arc::new(Mutex::new(names)) })
    }

    fn unused_name(&self, wanted: &str) -> String {
        lock(&self.names).unused(wanted)
    }

    async fn save(
        &self,
        file: &FileOutput,
        name: String,
        report: impl Fn(u64, Option<u64>),
    ) -> Result<PathBuf> {
        let mut target = AtomicFile::create(&self.path.join(&name)).await?;
        let mut download = Download::new(file.clone(), 0, None);
        let mut loaded = 0;
        while let Some(chunk) = download.next().await? {
            loaded += chunk.len() as u64;
            report(loaded, download.total);
            target.write(chunk).await?;
        }
        report(loaded, Some(loaded));
        let (path, names) = (self.path.clone(), self.names.clone());
        let mut first = Some(name.clone());
        let next = move || {
            let another = || lock(&names).unused(&name);
            path.join(first.take().unwrap_or_else(another))
        };
        target.commit_as_new(next).await
    }
}

/// The progress of all files together.
struct TotalProgress {
    /// Loaded bytes and total size of each file.
    files: Mutex<Vec<(u64, Option<u64>)>>,
    observer: Option<Observer>,
}

impl TotalProgress {
    fn new(files: usize, observer: Option<Observer>) -> Self {
        Self { files: Mutex::new(vec![(0, None); files]), observer }
    }

    fn report(&self, index: usize, loaded: u64, total: Option<u64>) {
        let Some(observer) = &self.observer else { return };
        let all = {
            let mut files = lock(&self.files);
            files[index] = (loaded, total);
            transfer_progress(
                files.iter().map(|(loaded, _)| loaded).sum(),
                files.iter().map(|(_, total)| *total).sum(),
            )
        };
        observer(all);
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
