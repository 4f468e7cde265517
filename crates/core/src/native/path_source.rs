//! A file on disk that goes up, read ahead of what is being sent.

use std::{
    collections::VecDeque,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::{Bytes, BytesMut};
use futures_util::stream;

use crate::{
    error::{Error, ErrorKind},
    platform::{BoxError, BoxFuture, BoxStream, run_blocking},
    value::ByteSource,
};

/// How much of a file is read at once.
const PIECE: usize = 512 * 1024;

/// A file on disk that goes up.
#[derive(Debug)]
pub(crate) struct PathSource {
    path: PathBuf,
}

impl crate::value::File {
    /// Builds a file from a path. It is opened when it is sent.
    ///
    /// A path that cannot be read fails then, with [`ErrorKind::FileNotFound`].
    pub fn path(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
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

    fn check(&self) -> Result<(), BoxError> {
        let metadata = std::fs::metadata(&self.path).map_err(|error| unreadable(&self.path, error))?;
        if metadata.is_dir() {
            let error = io::Error::new(io::ErrorKind::IsADirectory, "it is a directory");
            return Err(unreadable(&self.path, error).into());
        }
        Ok(())
    }

    fn replayable(&self) -> bool {
        true
    }

    fn open(&self) -> BoxFuture<'_, Result<BoxStream<'static, Result<Bytes, BoxError>>, BoxError>> {
        Box::pin(async move {
            let path = self.path.clone();
            let opened = run_blocking(move || File::open(&path).map_err(|error| unreadable(&path, error)));
            let reading = Reading::new(opened.await??, self.path.clone());
            let pieces = stream::try_unfold(reading, |mut reading| async {
                Ok(reading.next().await?.map(|piece| (piece, reading)))
            });
            Ok(Box::pin(pieces) as BoxStream<'static, _>)
        })
    }
}

fn unreadable(path: &Path, error: io::Error) -> Error {
    Error::new(ErrorKind::FileNotFound, format!("cannot read the file {}: {error}", path.display()))
        .with_source(error)
}

/// A file being read: one piece is, while the one before goes its way.
struct Reading {
    path: PathBuf,
    next: BoxFuture<'static, Result<(File, io::Result<BytesMut>), BoxError>>,
    /// What was handed out. Its memory is used again when nobody else holds it: new memory for each
    /// piece would have to be cleared by the system each time, which takes longer than to read it.
    given: VecDeque<Bytes>,
}

impl Reading {
    fn new(file: File, path: PathBuf) -> Self {
        Self { path, next: read(file, BytesMut::new()), given: VecDeque::new() }
    }

    async fn next(&mut self) -> Result<Option<Bytes>, BoxError> {
        let (file, piece) = (&mut self.next).await?;
        let piece = piece.map_err(|error| unreadable(&self.path, error))?.freeze();
        if piece.is_empty() {
            return Ok(None);
        }
        self.next = read(file, self.spare());
        self.given.push_back(piece.clone());
        Ok(Some(piece))
    }

    fn spare(&mut self) -> BytesMut {
        match self.given.pop_front().map(Bytes::try_into_mut) {
            Some(Ok(spare)) => spare,
            Some(Err(held)) => {
                self.given.push_front(held);
                BytesMut::new()
            }
            None => BytesMut::new(),
        }
    }
}

/// Reads the next piece into `memory`; an empty one is the end.
fn read(
    mut file: File,
    mut memory: BytesMut,
) -> BoxFuture<'static, Result<(File, io::Result<BytesMut>), BoxError>> {
    run_blocking(move || {
        memory.resize(PIECE, 0);
        let read = loop {
            match file.read(&mut memory) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        let piece = read.map(|length| {
            memory.truncate(length);
            memory
        });
        (file, piece)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_still_held_is_not_written_over() {
        let whole: Vec<u8> = (0..5 * PIECE + 99).map(|n| ((n * 31) >> 7) as u8).collect();
        let path = std::env::temp_dir().join(format!("replicant-reading-{:x}", fastrand::u64(..)));
        std::fs::write(&path, &whole).unwrap();
        let mut reading = Reading::new(File::open(&path).unwrap(), path.clone());
        let (mut held, mut at, mut seen) = (VecDeque::new(), 0, std::collections::HashSet::new());
        while let Some(piece) = reading.next().await.unwrap() {
            seen.insert(piece.as_ptr());
            held.push_back((at, piece.clone()));
            at += piece.len();
            if held.len() > 2 {
                held.pop_front();
            }
            for (at, piece) in &held {
                assert!(whole[*at..].starts_with(piece), "the piece at {at}");
            }
        }
        std::fs::remove_file(&path).unwrap();
        assert_eq!(at, whole.len());
        assert!(seen.len() < 6, "no memory was used again");
    }
}
