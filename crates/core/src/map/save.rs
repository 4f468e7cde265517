//! Saves the files of an output to the folder of a batch.

use std::path::{Path, PathBuf};

use super::row::Numbered;
use crate::{
    error::Result,
    files::{file_names, output::FileOutput},
    native::create_folder,
    predictions::batch_run::BatchRuns,
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

    /// Saves the files of an output, and replaces each by its path. A file that exists is replaced: it is that of an earlier
    /// attempt to save the same output.
    pub async fn save(&self, runs: &BatchRuns, row: &Numbered, output: Value) -> Result<Value> {
        let output = runs.client().with_files(output);
        let mut urls = Vec::new();
        output.walk(&mut Vec::new(), &mut |leaf, _| urls.extend(leaf.as_file_url().map(str::to_owned)));
        let mut paths = Vec::with_capacity(urls.len());
        for (number, url) in urls.iter().enumerate() {
            let of_several = (urls.len() > 1).then_some(number);
            let name = file_names::name_for(row.label(), of_several, url);
            let file = FileOutput::new(runs.client(), url).with_options(runs.options().clone());
            file.save(self.absolute.join(&name)).await?;
            paths.push(self.path.join(name));
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
