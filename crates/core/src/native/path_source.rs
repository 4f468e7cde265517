//! Reads files on disk for uploads, one chunk ahead.

use std::{
    collections::VecDeque,
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::{Bytes, BytesMut};
use futures_util::stream;

use super::{absolute, without_code};
use crate::{
    error::{Error, ErrorKind},
    platform::{BoxError, BoxFuture, BoxStream, run_blocking},
    value::ByteSource,
};

const CHUNK_SIZE: usize = 512 * 1024;

/// How many bytes a sample has of the start and of the end of a file.
const EDGE: u64 = 16 * 1024;

/// A file on disk.
#[derive(Debug)]
pub(crate) struct PathSource {
    path: PathBuf,
}

impl crate::value::File {
    /// Builds a file from a path. The file is opened when it is sent; if it cannot be read, the call fails
    /// with [`ErrorKind::FileNotFound`]. A relative path is resolved now, so that a later change of the working directory does
    /// not matter.
    pub fn path(path: impl Into<PathBuf>) -> Self {
        let path = absolute(path.into());
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        let file = Self::source(Arc::new(PathSource { path }));
        match name {
            Some(name) => file.filename(name),
            None => file,
        }
    }
}

impl ByteSource for PathSource {
    fn len(&self) -> Option<u64> {
        std::fs::metadata(&self.path)
            .ok()
            .filter(|metadata| metadata.is_file())
            .map(|metadata| metadata.len())
    }

    fn identity(&self) -> Option<String> {
        Some(format!("path {:?}", self.path))
    }

    /// Its start and its end, because reading all of a large file takes long.
    fn sample(&self, limit: usize) -> BoxFuture<'_, Result<Bytes, BoxError>> {
        let path = self.path.clone();
        let edge = EDGE.min(limit as u64 / 2);
        let read = move || edges(&path, edge).map_err(|error| unreadable(&path, error));
        Box::pin(async move { Ok(run_blocking(read).await??) })
    }

    fn check(&self) -> Result<(), BoxError> {
        let metadata = std::fs::metadata(&self.path).map_err(|error| unreadable(&self.path, error))?;
        if metadata.is_dir() {
            let error = io::Error::new(io::ErrorKind::IsADirectory, "it is a directory");
            return Err(unreadable(&self.path, error).into());
        }
        Ok(())
    }

    /// A pipe or a device can be read only once.
    fn replayable(&self) -> bool {
        self.len().is_some()
    }

    fn open(&self) -> BoxFuture<'_, Result<BoxStream<'static, Result<Bytes, BoxError>>, BoxError>> {
        Box::pin(async move {
            let path = self.path.clone();
            let opened = run_blocking(move || File::open(&path).map_err(|error| unreadable(&path, error)));
            let reader = ReadAhead::new(opened.await??, self.path.clone());
            let chunks = stream::try_unfold(reader, |mut reader| async {
                Ok(reader.next().await?.map(|chunk| (chunk, reader)))
            });
            Ok(Box::pin(chunks) as BoxStream<'static, _>)
        })
    }
}

/// Returns the start and the end of a file.
fn edges(path: &Path, edge: u64) -> io::Result<Bytes> {
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();
    let mut edges = Vec::new();
    file.by_ref().take(edge).read_to_end(&mut edges)?;
    if size > edge {
        file.seek(SeekFrom::Start(edge.max(size.saturating_sub(edge))))?;
        file.take(edge).read_to_end(&mut edges)?;
    }
    Ok(edges.into())
}

fn unreadable(path: &Path, error: io::Error) -> Error {
    Error::new(
        ErrorKind::FileNotFound,
        format!("cannot read the file {}: {}", path.display(), without_code(&error)),
    )
    .with_source(error)
}

/// A file reader that reads the next chunk while the previous one is sent.
struct ReadAhead {
    path: PathBuf,
    next: BoxFuture<'static, Result<(File, io::Result<BytesMut>), BoxError>>,
    /// Returned chunks, whose memory is reused once the caller has dropped them. Fresh memory for each
    /// chunk would take longer to clear than to fill.
    returned: VecDeque<Bytes>,
}

impl ReadAhead {
    fn new(file: File, path: PathBuf) -> Self {
        Self { path, next: read(file, BytesMut::new()), returned: VecDeque::new() }
    }

    async fn next(&mut self) -> Result<Option<Bytes>, BoxError> {
        let (file, chunk) = (&mut self.next).await?;
        let chunk = chunk.map_err(|error| unreadable(&self.path, error))?.freeze();
        if chunk.is_empty() {
            return Ok(None);
        }
        self.next = read(file, self.buffer());
        self.returned.push_back(chunk.clone());
        Ok(Some(chunk))
    }

    /// Returns the memory of the oldest chunk if it is unused, otherwise an empty buffer.
    fn buffer(&mut self) -> BytesMut {
        match self.returned.pop_front().map(Bytes::try_into_mut) {
            Some(Ok(buffer)) => buffer,
            Some(Err(in_use)) => {
                self.returned.push_front(in_use);
                BytesMut::new()
            }
            None => BytesMut::new(),
        }
    }
}

/// Reads the next chunk into `buffer`. An empty chunk is the end of the file.
fn read(
    mut file: File,
    mut buffer: BytesMut,
) -> BoxFuture<'static, Result<(File, io::Result<BytesMut>), BoxError>> {
    run_blocking(move || {
        buffer.resize(CHUNK_SIZE, 0);
        let read = loop {
            match file.read(&mut buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        let chunk = read.map(|length| {
            buffer.truncate(length);
            buffer
        });
        (file, chunk)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_that_of_the_working_directory_when_it_was_given() {
        let file = crate::value::File::path("photo.png");
        let path = std::env::current_dir().unwrap().join("photo.png");
        assert_eq!(file.source.identity(), Some(format!("path {path:?}")));
    }

    #[tokio::test]
    async fn memory_is_reused_only_after_the_chunk_is_dropped() {
        let whole: Vec<u8> = (0..5 * CHUNK_SIZE + 99).map(|n| ((n * 31) >> 7) as u8).collect();
        let path = std::env::temp_dir().join(format!("replicant-reading-{:x}", fastrand::u64(..)));
        std::fs::write(&path, &whole).unwrap();
        let mut reader = ReadAhead::new(File::open(&path).unwrap(), path.clone());
        let (mut held, mut offset, mut buffers) = (VecDeque::new(), 0, std::collections::HashSet::new());
        while let Some(chunk) = reader.next().await.unwrap() {
            buffers.insert(chunk.as_ptr());
            held.push_back((offset, chunk.clone()));
            offset += chunk.len();
            if held.len() > 2 {
                held.pop_front();
            }
            for (offset, chunk) in &held {
                assert!(whole[*offset..].starts_with(chunk), "the chunk at {offset}");
            }
        }
        std::fs::remove_file(&path).unwrap();
        assert_eq!(offset, whole.len());
        assert!(buffers.len() < 6, "memory was never reused");
    }
}
