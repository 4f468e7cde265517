//! All files of an output into one folder.

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
    output::{FileOutput, file_url, shown_url},
};
use crate::{
    client::{
        Client,
        call::{Work, request_options},
        response::Reply,
    },
    error::{Error, Result},
    http::{body_progress::transfer_progress, request::RequestOptions},
    native::{AtomicFile, make_folder},
    platform::{BoxFuture, MaybeSend, MaybeSync, lock},
    value::{Observer, PathSegment, Value, place},
};

/// How many files are fetched at a time if nothing is said.
const PARALLEL: usize = 4;
/// How many may be asked for.
const MOST_PARALLEL: usize = 64;

/// Parameters of `output.save_all` as they come from another language.
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
        save.concurrency = self.concurrency.unwrap_or(PARALLEL);
        save
    }
}

/// Files about to be saved: `.await` their paths.
///
/// # Errors
/// What kept the first of those that could not be saved: [`ErrorKind::OutputExpired`](crate::ErrorKind::OutputExpired),
/// [`ErrorKind::Download`](crate::ErrorKind::Download), or [`ErrorKind::FileNotWritten`](crate::ErrorKind::FileNotWritten)
/// where it cannot be written. The others are saved all the same; [`Error::partial`] has their paths.
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
    /// Saves every file of an output into `folder`, which is made if need be, and gives their paths
    /// in the order of the output.
    ///
    /// `outputs` is what [`Client::run`] gave, or URLs: one, a list, or anything that holds some; of
    /// predictions their outputs. A file is called what its URL calls it, `out-0.webp`; where that
    /// name is taken, also by a file that was there before, `out-0-2.webp`. No file is replaced, and
    /// each appears when it is complete.
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// let output = client.run("acme/painter", replicant::json!({"prompt": "herons", "num_outputs": 4})).await?;
    /// let paths = client.save_all(output, "herons").await?;
    /// println!("{} files", paths.len());
    /// # Ok(()) }
    /// ```
    pub fn save_all(&self, outputs: impl Into<Value>, folder: impl Into<PathBuf>) -> SaveAll {
        SaveAll {
            client: self.clone(),
            outputs: outputs.into(),
            folder: folder.into(),
            concurrency: PARALLEL,
            options: RequestOptions::default(),
            observer: None,
        }
    }
}

impl SaveAll {
    request_options!();

    /// How many files are fetched at a time: 1 to 64, 4 by default.
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// let urls = vec!["https://replicate.delivery/a/out-0.webp", "https://replicate.delivery/a/out-1.webp"];
    /// client.save_all(urls, "herons").concurrency(1).await?;
    /// # Ok(()) }
    /// ```
    pub fn concurrency(mut self, concurrency: usize) -> Self {
        self.concurrency = concurrency;
        self
    }

    /// Is told of the bytes of all files together: `{"loaded", "total"}`, the total `null` until the
    /// size of each is known.
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// let output = client.run("acme/painter", replicant::json!({"prompt": "herons"})).await?;
    /// let save = client.save_all(output, "herons");
    /// save.observe(|bytes| println!("{} of {}", bytes["loaded"], bytes["total"])).await?;
    /// # Ok(()) }
    /// ```
    pub fn observe(mut self, observer: impl Fn(Value) + MaybeSend + MaybeSync + 'static) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    async fn saved(self) -> Result<Vec<PathBuf>> {
        if !(1..=MOST_PARALLEL).contains(&self.concurrency) {
            let given = self.concurrency;
            return Err(Error::invalid_argument(
                "concurrency",
                format!("must be 1 to {MOST_PARALLEL}, not {given}"),
            ));
        }
        let files = self.files();
        if files.is_empty() {
            return Ok(Vec::new());
        }
        let folder = Folder::open(&self.folder).await?;
        let bytes = Loaded::new(files.len(), self.observer);
        let mut saves = Vec::new();
        for (index, (_, file)) in files.iter().enumerate() {
            // Named before the first is fetched, so that the names do not depend on which is quicker.
            let name = folder.free(&super::file_names::name_of(file.url()));
            let (folder, bytes) = (&folder, &bytes);
            saves.push(async move {
                let tell = |loaded, total| bytes.tell(index, loaded, total);
                (index, folder.save(file, name, tell).await)
            });
        }
        let mut done: Vec<_> = stream::iter(saves).buffer_unordered(self.concurrency).collect().await;
        done.sort_by_key(|(index, _)| *index);
        complete(&files, done.into_iter().map(|(_, saved)| saved).collect())
    }

    /// The files with the places where they stand.
    fn files(&self) -> Vec<(String, FileOutput)> {
        let mut files = Vec::new();
        self.outputs.walk(&mut Vec::new(), &mut |leaf, path| {
            if beside_output(&self.outputs, path) {
                return;
            }
            let file = match leaf {
                Value::FileUrl(url) => FileOutput::new(&self.client, url),
                Value::String(url) if file_url(url).is_some() => FileOutput::new(&self.client, url),
                _ => return,
            };
            files.push((place("outputs", path), file.with_options(self.options.clone())));
        });
        files
    }
}

/// Whether what stands at `path` is of a prediction, but not of its output: the URLs there are those of its input
/// and of the API.
fn beside_output(root: &Value, path: &[PathSegment]) -> bool {
    let mut at = root;
    for segment in path {
        if at["urls"]["get"].as_str().is_some() {
            return !matches!(segment, PathSegment::Key(key) if key == "output");
        }
        at = match segment {
            PathSegment::Key(key) => &at[key.as_str()],
            PathSegment::Index(index) => &at[*index],
        };
    }
    false
}

/// All paths, or the error that says how many are missing.
fn complete(files: &[(String, FileOutput)], saved: Vec<Result<PathBuf>>) -> Result<Vec<PathBuf>> {
    let failed = saved.iter().filter(|saved| saved.is_err()).count();
    let mut first = None;
    let mut paths = Vec::new();
    for ((place, file), saved) in files.iter().zip(saved) {
        match saved {
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
    let url = shown_url(file.url());
    let paths: Vec<_> = paths.iter().map(|path| path.as_deref().map(shown)).collect();
    Err(error.map_message(|why| format!("{which} `{place}` ({url}): {why}")).with_partial(paths.into()))
}

fn shown(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// Where the files go.
struct Folder {
    path: PathBuf,
    names: Arc<Mutex<Names>>,
}

impl Folder {
    async fn open(path: &Path) -> Result<Self> {
        let (path, taken) = make_folder(path).await?;
        let mut names = Names::default();
        taken.iter().for_each(|name| names.take(name));
        Ok(Self { path, names: Arc::new(Mutex::new(names)) })
    }

    fn free(&self, wanted: &str) -> String {
        lock(&self.names).free(wanted)
    }

    async fn save(
        &self,
        file: &FileOutput,
        name: String,
        tell: impl Fn(u64, Option<u64>),
    ) -> Result<PathBuf> {
        let mut saved = AtomicFile::create(&self.path.join(&name)).await?;
        let mut download = Download::new(file.clone(), 0, None);
        let mut loaded = 0;
        while let Some(chunk) = download.next().await? {
            loaded += chunk.len() as u64;
            tell(loaded, download.total);
            saved.write(chunk).await?;
        }
        tell(loaded, Some(loaded));
        let (path, names) = (self.path.clone(), self.names.clone());
        let mut planned = Some(name.clone());
        let next = move || {
            let another = || lock(&names).free(&name);
            path.join(planned.take().unwrap_or_else(another))
        };
        saved.commit_as_new(next).await
    }
}

/// How much of each file has come.
struct Loaded {
    files: Mutex<Vec<(u64, Option<u64>)>>,
    observer: Option<Observer>,
}

impl Loaded {
    fn new(files: usize, observer: Option<Observer>) -> Self {
        Self { files: Mutex::new(vec![(0, None); files]), observer }
    }

    fn tell(&self, index: usize, loaded: u64, total: Option<u64>) {
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
        Box::pin(self.saved())
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
            let paths: Vec<_> = self.saved().await?.iter().map(|path| shown(path)).collect();
            Ok(Reply::of(paths.into()))
        })
    }
}
