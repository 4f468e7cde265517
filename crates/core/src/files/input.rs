//! Prepares inputs: replaces each file by a URL or a `data:` URI.

use std::sync::atomic::AtomicU64;

use futures_util::{StreamExt, TryStreamExt, stream};

use super::{
    inline::{can_be_inlined, check_total, data_uri, is_inlined, is_rejected},
    upload::{UploadOptions, check_file},
    upload_progress::UploadObserver,
};
use crate::{
    client::{Client, options::FileEncodingStrategy},
    error::{Error, Result},
    http::{deadline::Deadline, request::RequestOptions},
    value::{File, PathSegment, Value, format_path},
};

/// Number of concurrent uploads for one input.
const CONCURRENCY: usize = 4;
/// Maximum number of retries of an upload that can be replaced by inlining.
const RETRIES: u32 = 2;

impl Client {
    /// Uploads or inlines every file in an input, and replaces it by the resulting URL.
    pub(crate) async fn send_files(
        &self,
        input: Value,
        strategy: Option<FileEncodingStrategy>,
        deadline: Deadline,
        options: &RequestOptions,
        observer: &UploadObserver,
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
        let total = &AtomicU64::new(0);
        let sent: Vec<(File, String)> = stream::iter(found)
            .map(|(place, file)| async move {
                let reference = if is_inlined(&file, strategy) {
                    data_uri(&file, &place, total).await?
                } else {
                    let (mut options, observer) = (options.clone(), observer.clone());
                    let replaceable =
                        strategy == FileEncodingStrategy::UploadOrInline && can_be_inlined(&file);
                    if replaceable {
                        let retries = options.max_retries.unwrap_or(self.config().retry.max_retries);
                        options.max_retries = Some(retries.min(RETRIES));
                    }
                    let upload = UploadOptions { metadata: None, deadline, options, observer };
                    match self.upload_url(&file, &place, upload).await {
                        Err(error) if replaceable && !is_rejected(&error) => {
                            data_uri(&file, &place, total).await?
                        }
                        url => url?,
                    }
                };
                Ok::<_, Error>((file, reference))
            })
            .buffer_unordered(CONCURRENCY)
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

/// Returns `true` if both files have the same content, name and type.
fn same(one: &File, other: &File) -> bool {
    let identity = one.source.identity();
    one.is_named_as(other) && (one == other || identity.is_some() && identity == other.source.identity())
}

/// Returns the distinct files of an input, each with the path of its first occurrence.
fn distinct_files(input: &Value) -> Vec<(String, File)> {
    let mut found: Vec<(String, File)> = Vec::new();
    input.walk(&mut Vec::<PathSegment>::new(), &mut |leaf, path| {
        if let Some(file) = as_file(leaf)
            && !found.iter().any(|(_, other)| same(other, &file))
        {
            found.push((format_path("input", path), file));
        }
    });
    found
}
