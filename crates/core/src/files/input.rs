//! Inputs made ready to be sent: each file replaced by a URL or a `data:` URI.

use futures_util::{StreamExt, TryStreamExt, stream};

use super::{
    inline::{can_replace_upload, check_total, data_uri, is_inlined},
    upload::{UploadOptions, check_file},
    upload_progress::UploadWatch,
};
use crate::{
    client::{Client, options::FileEncodingStrategy},
    error::{Error, Result},
    http::deadline::Deadline,
    value::{File, PathSegment, Value, place},
};

/// How many files of one input are uploaded at a time.
const PARALLEL: usize = 4;

impl Client {
    /// Replaces every file in an input by what the API takes: a data: URI or the URL of an upload.
    pub(crate) async fn send_files(
        &self,
        input: Value,
        strategy: Option<FileEncodingStrategy>,
        deadline: Deadline,
        watch: &UploadWatch,
    ) -> Result<Value> {
        let found = distinct_files(&input);
        if found.is_empty() {
            return Ok(input);
        }
        let strategy = strategy.unwrap_or(self.config().file_encoding_strategy);
        for (place, file) in &found {
            check_file(file, place)?;
        }
        let inline: u64 = found
            .iter()
            .filter(|(_, file)| is_inlined(file, strategy))
            .filter_map(|(_, file)| file.source.len())
            .sum();
        check_total(inline)?;
        let sent: Vec<(File, String)> = stream::iter(found)
            .map(|(place, file)| async move {
                let reference = if is_inlined(&file, strategy) {
                    data_uri(&file).await?
                } else {
                    let upload = UploadOptions { deadline, watch: watch.clone(), ..UploadOptions::default() };
                    match self.upload_url(&file, &place, upload).await {
                        Err(error)
                            if strategy == FileEncodingStrategy::UploadOrInline
                                && can_replace_upload(&file, &error) =>
                        {
                            data_uri(&file).await?
                        }
                        url => url?,
                    }
                };
                Ok::<_, Error>((file, reference))
            })
            .buffer_unordered(PARALLEL)
            .try_collect()
            .await?;
        Ok(input.map_leaves(&mut |leaf| {
            let Some(file) = as_file(&leaf) else { return leaf };
            let reference =
                sent.iter().find(|(other, _)| same(other, &file)).map(|(_, reference)| reference.as_str());
            reference.map_or(leaf, Value::from)
        }))
    }
}

fn as_file(leaf: &Value) -> Option<File> {
    match leaf {
        Value::File(file) => Some(file.clone()),
        Value::Bytes(bytes) => Some(File::bytes(bytes.clone())),
        _ => None,
    }
}

/// Whether both would be sent as the same bytes under the same name.
fn same(one: &File, other: &File) -> bool {
    let identity = one.source.identity();
    one.is_named_as(other) && (one == other || identity.is_some() && identity == other.source.identity())
}

/// The files of an input with the place where each is met first.
fn distinct_files(input: &Value) -> Vec<(String, File)> {
    let mut found: Vec<(String, File)> = Vec::new();
    input.walk(&mut Vec::<PathSegment>::new(), &mut |leaf, path| {
        if let Some(file) = as_file(leaf)
            && !found.iter().any(|(_, other)| same(other, &file))
        {
            found.push((place("input", path), file));
        }
    });
    found
}
