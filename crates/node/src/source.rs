//! Bytes that JavaScript provides in chunks: Blobs and streams in an input, response bodies of a `fetch`.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use bytes::Bytes;
use futures_util::stream;
use napi::{
    bindgen_prelude::{Buffer, FnArgs, Object, Promise},
    threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode},
};
use replicant::{BoxError, BoxFuture, BoxStream, ByteSource, File, Result};
use replicant_javascript::unreadable;

/// Returns the next chunk of a reading; `true` ends the reading. Weak, because the promise of the call keeps the process
/// alive.
pub(crate) type Pull = ThreadsafeFunction<
    FnArgs<(u32, bool)>,
    Promise<Option<Buffer>>,
    FnArgs<(u32, bool)>,
    napi::Status,
    false,
    true,
>;

/// Makes a file to send from a `Source` of `node/src/source.ts`.
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
        let chunks = read(Arc::clone(&self.pull), session, |reason| BoxError::from(unreadable(reason)));
        Box::pin(async move { Ok(chunks) })
    }
}

/// Reads the chunks of the reading with number `session`. `failed` makes the error for an exception of JavaScript.
pub(crate) fn read<E>(
    pull: Arc<Pull>,
    session: u32,
    failed: impl Fn(&str) -> E + Send + 'static,
) -> BoxStream<'static, Result<Bytes, E>> {
    let reading = Reading { session, pull, ended: false };
    Box::pin(stream::unfold((reading, failed), async |(mut reading, failed)| {
        // An exception can hold the user's object, which must not leave the JavaScript thread; take its text only.
        let chunk = reading.next().await.map_err(|error| failed(&error.reason)).transpose()?;
        Some((chunk, (reading, failed)))
    }))
}

/// One reading. Dropping it ends it in JavaScript too, which may have to cancel a stream.
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
        let chunk = match self.pull.call_async_catch(FnArgs::from((self.session, false))).await {
            Ok(promise) => promise.await,
            Err(error) => Err(error),
        };
        self.ended = !matches!(chunk, Ok(Some(_)));
        Ok(chunk?.map(|chunk| Bytes::copy_from_slice(&chunk)))
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        if !self.ended {
            self.pull.call(FnArgs::from((self.session, true)), ThreadsafeFunctionCallMode::NonBlocking);
        }
    }
}
