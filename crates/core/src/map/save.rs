//! Saves the files of an output to the folder of a batch.

use std::path::{Path, PathBuf};

use super::row::Numbered;
use crate::{
    error::Result,
    files::{file_names, output::FileOutput},
    native::create_folder,
    predictions::{batch_run::BatchRuns, snapshot::Snapshot},
    value::Value,
};

/// The folder of a batch.
pub(super) struct SaveFolder {
    /// As given.
    path: PathBuf,
    absolute: PathBuf,
}

impl SaveFolder {
    pub async fn open(path: &Path) -> Result<Self> {
        Ok(Self { path: path.to_owned(), absolute: create_folder(path).await?.0 })
    }

    /// Saves the files of the output of a prediction, and replaces each by its path.
    pub async fn save(&self, runs: &BatchRuns, row: &Numbered, prediction: &Snapshot) -> Result<Value> {
        let output = runs.client().with_files(prediction["output"].clone());
        let mut urls = Vec::new();
        output.walk(&mut Vec::new(), &mut |leaf, _| urls.extend(leaf.as_file_url().map(str::to_owned)));
        let mut paths = Vec::with_capacity(urls.len());
        for (number, url) in urls.iter().enumerate() {
            let of_several = (urls.len() > 1).then_some(number);
            let name = |id| file_names::name_for(row.label(), id, of_several, url);
            let file = FileOutput::new(runs.client(), url).with_options(runs.options().clone());
            let path = self.absolute.join(name(None));
            // Another batch may have saved, or be saving, another file under this name.
            let other = self.absolute.join(name(Some(prediction.id().unwrap_or_default())));
            let saved = file.download(&path, None).await?.commit_beside(path, other).await?;
            paths.push(self.path.join(saved.file_name().unwrap_or_default()));
        }
        let mut paths = paths.into_iter();
        Ok(output.map_leaves(&mut |leaf| match leaf {
            Value::FileUrl(url) => match paths.next() {
                Some(path) => path.to_string_lossy().into_owned().into(),
                None => Value::FileUrl(url),
            },
            leaf => leaf,
        }))
    }
}
