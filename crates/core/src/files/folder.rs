//! Saves files to a folder.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use futures_util::{StreamExt, stream};

use super::{
    download::Download,
    file_names::{Names, name_of},
    output::{FileOutput, redacted},
    save_all::to_text,
};
use crate::{
    error::{Error, Result},
    http::body_progress::transfer_progress,
    native::{AtomicFile, create_folder},
    platform::lock,
    value::{Observer, Value},
};

/// Fails if a prediction or training in `outputs` has not ended.
pub(super) fn check(outputs: &Value) -> Result<()> {
    let Some(id) = running(outputs) else { return Ok(()) };
    let why = format!("must have ended: {id} still runs and may have more files; wait for it first");
    Err(Error::invalid_argument("outputs", why))
}

/// Returns the id of a prediction or training in a value that has not ended.
fn running(value: &Value) -> Option<&str> {
    match value {
        Value::Array(items) => items.iter().find_map(running),
        Value::Object(members) => {
            let runs = matches!(value["status"].as_str(), Some("starting" | "processing"));
            match value["id"].as_str().filter(|_| runs && value["urls"]["get"].as_str().is_some()) {
                Some(id) => Some(id),
                None => members.values().find_map(running),
            }
        }
        _ => None,
    }
}

/// Saves files, each with its place in the outputs, and returns their paths.
pub(super) async fn save_files(
    folder: &Path,
    files: Vec<(String, FileOutput)>,
    concurrency: usize,
    observer: Option<Observer>,
) -> Result<Vec<PathBuf>> {
    let folder = Folder::open(folder).await?;
    let progress = TotalProgress::new(files.len(), observer);
    let mut saves = Vec::new();
    for (index, (_, file)) in files.iter().enumerate() {
        // Names are assigned in order first, so that they do not depend on the speed of downloads.
        let name = folder.unused_name(&name_of(file.url()));
        let (folder, progress) = (&folder, &progress);
        saves.push(async move {
            let report = |loaded, total| progress.report(index, loaded, total);
            (index, folder.save(file, name, report).await)
        });
    }
    let mut results: Vec<_> = stream::iter(saves).buffer_unordered(concurrency).collect().await;
    results.sort_by_key(|(index, _)| *index);
    collect_paths(&files, results.into_iter().map(|(_, result)| result).collect())
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

/// The target folder and the names in use there.
struct Folder {
    /// As given.
    path: PathBuf,
    absolute: PathBuf,
    names: Arc<Mutex<Names>>,
}

impl Folder {
    async fn open(path: &Path) -> Result<Self> {
        let (absolute, taken) = create_folder(path).await?;
        let mut names = Names::default();
        taken.iter().for_each(|name| names.take(name));
        Ok(Self { path: path.to_owned(), absolute, names: Arc::new(Mutex::new(names)) })
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
        let mut target = AtomicFile::create(&self.absolute.join(&name)).await?;
        let mut download = Download::new(file.clone(), 0, None);
        let mut loaded = 0;
        while let Some(chunk) = download.next().await? {
            loaded += chunk.len() as u64;
            report(loaded, download.total);
            target.write(chunk).await?;
        }
        report(loaded, Some(loaded));
        let (folder, names) = (self.absolute.clone(), self.names.clone());
        let mut first = Some(name.clone());
        let next = move || {
            let another = || lock(&names).unused(&name);
            folder.join(first.take().unwrap_or_else(another))
        };
        let saved = target.commit_as_new(next).await?;
        Ok(self.path.join(saved.file_name().unwrap_or_default()))
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
