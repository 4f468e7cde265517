//! Compares the files of a row with those of the row in an earlier batch.

use sha2::{Digest, Sha256};

use super::{hash::Hash, row::Row};
use crate::{
    error::{Error, Result},
    files::upload::check_file,
    value::{File, PathSegment, Value, format_path},
};

/// How many bytes are read of a file, most of which are in memory. Of a file on disk, fewer.
const SAMPLE: usize = 1024 * 1024;

/// Returns the hash by which a row is compared with that of an earlier batch: of its input, in which each file counts by its
/// name, its size, and a sample of its content. Not by its path, so that a batch continues in a folder that was moved.
///
/// # Errors
/// If a file cannot be read, or can be read only once although the row has no key.
pub(super) async fn hash_of(row: &Row) -> Result<Hash> {
    let mut files = Vec::new();
    row.input.walk(&mut Vec::<PathSegment>::new(), &mut |leaf, path| {
        if let Value::File(file) = leaf {
            files.push((format_path("input", path), file.clone()));
        }
    });
    if files.is_empty() {
        return Ok(Hash::of_row(&row.input));
    }
    let mut prints = Vec::with_capacity(files.len());
    for (place, file) in files {
        check_file(&file, &place)?;
        prints.push(fingerprint(&file, &place, row.key.is_some()).await?);
    }
    let mut prints = prints.into_iter();
    let compared = row.input.clone().map_leaves(&mut |leaf| match leaf {
        Value::File(_) => prints.next().unwrap_or_default(),
        leaf => leaf,
    });
    Ok(Hash::of_row(&compared))
}

/// Returns what stands for a file in the input to compare.
async fn fingerprint(file: &File, place: &str, keyed: bool) -> Result<Value> {
    let mut hasher = Sha256::new();
    let source = &file.source;
    let mut add = |part: &[u8]| {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part);
    };
    add(file.name().as_bytes());
    if source.replayable() {
        add(&source.len().unwrap_or(u64::MAX).to_le_bytes());
        let sample = source.sample(SAMPLE).await;
        add(&sample.map_err(|error| Error::unreadable(error).of_file(place))?);
    } else if !keyed {
        let problem = format!(
            "is missing: `{place}` is a stream, which the checkpoint cannot compare with that of an earlier batch, because it \
             can be read only once. Give the rows keys, or pass the content as bytes or as the path of a file"
        );
        return Err(Error::invalid_argument("key", problem));
    }
    Ok(Value::Bytes(hasher.finalize().to_vec().into()))
}
