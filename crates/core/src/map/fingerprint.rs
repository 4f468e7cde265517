//! Compares the files of a row with those of the row in an earlier batch.

use std::{
    fs::File as Opened,
    io::{self, Read, Seek, SeekFrom},
    path::Path,
};

use futures_util::TryStreamExt;
use sha2::{Digest, Sha256};

use super::{hash::Hash, row::Row};
use crate::{
    error::{Error, Result},
    files::upload::check_file,
    platform::run_blocking,
    value::{File, PathSegment, Value, format_path},
};

/// How many bytes are read at the start and at the end of a file on disk. Reading all of it would take long.
const EDGE: u64 = 16 * 1024;
/// How many bytes are read of other files, most of which are in memory.
const BEGINNING: usize = 1024 * 1024;

/// Returns the hash by which a row is compared with that of an earlier batch: of its input, in which each file counts by its
/// name, its path if it is on disk, its size, and a sample of its content.
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
    if let Some(path) = source.path() {
        add(path.as_os_str().as_encoded_bytes());
        let path = path.to_owned();
        let edges = run_blocking(move || edges(&path)).await.map_err(Error::background_failed)?;
        let (size, edges) = edges.map_err(|error| Error::unreadable(error.into()).of_file(place))?;
        add(&size.to_le_bytes());
        add(&edges);
    } else if source.replayable() {
        add(&source.len().unwrap_or(u64::MAX).to_le_bytes());
        let unreadable = |error| Error::unreadable(error).of_file(place);
        let mut chunks = source.open().await.map_err(unreadable)?;
        let mut left = BEGINNING;
        while left > 0
            && let Some(chunk) = chunks.try_next().await.map_err(unreadable)?
        {
            let part = &chunk[..chunk.len().min(left)];
            hasher.update(part);
            left -= part.len();
        }
    } else if !keyed {
        let problem = format!(
            "is missing: `{place}` is a stream, which the checkpoint cannot compare with that of an earlier batch, because it \
             can be read only once. Give the rows keys, or pass the content as bytes or as the path of a file"
        );
        return Err(Error::invalid_argument("key", problem));
    }
    Ok(Value::Bytes(hasher.finalize().to_vec().into()))
}

/// Returns the size of a file, and its start and its end.
fn edges(path: &Path) -> io::Result<(u64, Vec<u8>)> {
    let mut file = Opened::open(path)?;
    let size = file.metadata()?.len();
    let mut edges = Vec::new();
    Read::by_ref(&mut file).take(EDGE).read_to_end(&mut edges)?;
    if size > EDGE {
        file.seek(SeekFrom::Start(EDGE.max(size.saturating_sub(EDGE))))?;
        file.take(EDGE).read_to_end(&mut edges)?;
    }
    Ok((size, edges))
}
