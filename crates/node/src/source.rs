//! Bytes that JavaScript gives piece by piece: Blobs and streams in an input, bodies of a `fetch`.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use bytes::Bytes;
use futures_util::{TryStreamExt, stream};
use napi::{
    bindgen_prelude::{Buffer, FnArgs, Object, Promise},
    threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode},
};
use replicant::{BoxError, BoxFuture, BoxStream, ByteSource, Error, ErrorKind, File, Result};

/// Gives the next piece of a reading, or with `true` ends it. Weak: the promise of the call that
/// reads is what keeps the process.
pub(crate) type Pull = ThreadsafeFunction<
    FnArgs<(u32, bool)>,
    Promise<Option<Buffer>>,
    FnArgs<(u32, bool)>,
    napi::Status,
    false,
    true,
>;

/// A file to send, from what `node/src/source.ts` makes of a Blob or a stream.
pub(crate) fn file(source: &Object<'_>) -> napi::Result<File> {
    let pull: Pull =
        source.get("pull")?.ok_or_else(|| napi::Error::from_reason("a source without `pull`"))?;
    let mut file = File::source(Arc::new(JsSource {
        size: source.get::<f64>("size")?.map(|size| size as u64),
        replayable: source.get("replayable")?.unwrap_or(false),
        pull: Arc::new(pull),
        sessions: AtomicU32::new(0),
    }));
    if let Some(name) = source.get::<String>("name")? {
        file = file.filename(name);
    }
    if let Some(kind) = source.get::<String>("type")? {
        file = file.content_type(kind);
    }
    Ok(file)
}

struct JsSource {
    size: Option<u64>,
    replayable: bool,
    pull: Arc<Pull>,
    sessions: AtomicU32,
}

impl fmt::Debug for JsSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsSource").field("size", &self.size).finish_non_exhaustive()
    }
}

impl ByteSource for JsSource {
    fn len(&self) -> Option<u64> {
        self.size
    }

    fn replayable(&self) -> bool {
        self.replayable
    }

    fn open(&self) -> BoxFuture<'_, Result<BoxStream<'static, Result<Bytes, BoxError>>, BoxError>> {
        let session = self.sessions.fetch_add(1, Ordering::Relaxed);
        let pieces = read(Arc::clone(&self.pull), session, |why| {
            Error::new(ErrorKind::FileNotFound, format!("cannot read the file: {why}"))
        });
        Box::pin(async move { Ok(Box::pin(pieces.map_err(BoxError::from)) as BoxStream<'static, _>) })
    }
}

/// The pieces of reading number `session`; `failed` makes the error of what JavaScript threw.
pub(crate) fn read(
    pull: Arc<Pull>,
    session: u32,
    failed: impl Fn(&str) -> Error + Send + 'static,
) -> BoxStream<'static, Result<Bytes>> {
    let reading = Reading { session, pull, ended: false };
    Box::pin(stream::unfold((reading, failed), async |(mut reading, failed)| {
        // An exception may hold the user's object; only its text can leave the JavaScript thread.
        let piece = reading.next().await.map_err(|error| failed(&error.reason)).transpose()?;
        Some((piece, (reading, failed)))
    }))
}

/// One reading. Dropping it tells JavaScript, which may have a stream to cancel.
struct Reading {
    session: u32,
    pull: Arc<Pull>,
    ended: bool,
}

impl Reading {
    async fn next(&mut self) -> napi::Result<Option<Bytes>> {
        if self.ended {
            return Ok(None);
        }
        let piece = match self.pull.call_async_catch(FnArgs::from((self.session, false))).await {
            Ok(promise) => promise.await,
            Err(error) => Err(error),
        };
        self.ended = !matches!(piece, Ok(Some(_)));
        Ok(piece?.map(|piece| Bytes::copy_from_slice(&piece)))
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        if !self.ended {
            self.pull.call(FnArgs::from((self.session, true)), ThreadsafeFunctionCallMode::NonBlocking);
        }
    }
}
