//! Saves the files of an output to the folder of a batch.

use std::{
    fs::File,
    io::{self, BufRead, BufReader},
    path::{Path, PathBuf},
};

use super::row::Numbered;
use crate::{
    error::{Error, Result},
    files::{file_names, output::FileOutput},
    native::create_folder,
    platform::run_blocking,
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
            let other = name(Some(prediction.id().unwrap_or_default()));
            paths.push(self.path.join(save(&file, &self.absolute, name(None), other).await?));
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

/// Saves a file as `name`, or as `other` if another batch has saved another file under this name. Returns its name.
async fn save(file: &FileOutput, folder: &Path, name: String, other: String) -> Result<String> {
    let path = folder.join(&name);
    if !path.is_file() {
        file.save(path).await?;
        return Ok(name);
    }
    let second = folder.join(&other);
    file.save(&second).await?;
    let chosen = run_blocking(move || match are_equal(&path, &second) {
        // An earlier attempt to save the same output.
        Ok(true) => {
            let _ = std::fs::remove_file(second);
            name
        }
        _ => other,
    });
    chosen.await.map_err(Error::background_failed)
}

fn are_equal(one: &Path, other: &Path) -> io::Result<bool> {
    let (one, other) = (File::open(one)?, File::open(other)?);
    if one.metadata()?.len() != other.metadata()?.len() {
        return Ok(false);
    }
    let (mut one, mut other) = (BufReader::new(one), BufReader::new(other));
    loop {
        let (chunk, expected) = (one.fill_buf()?, other.fill_buf()?);
        let length = chunk.len().min(expected.len());
        if length == 0 || chunk[..length] != expected[..length] {
            return Ok(chunk.len() == expected.len() && length == 0);
        }
        one.consume(length);
        other.consume(length);
    }
}
