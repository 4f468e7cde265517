//! Bytes that JavaScript provides in chunks: Blobs and streams in an input, response bodies of a `fetch`.

use std::{cell::Cell, fmt, rc::Rc, sync::Arc};

use bytes::Bytes;
use futures_util::stream;
use js_sys::{Function, Promise};
use replicant::{BoxError, BoxFuture, BoxStream, ByteSource, Error, File, Result};
use replicant_javascript::unreadable;
use wasm_bindgen::{JsCast, JsValue};

use crate::{
    error::reason,
    object::{property, text, to_bytes},
    tasks,
    waiting::Waiting,
};

/// Makes a file to send from a `Source` of `node/src/source.ts`.
pub(crate) fn file(source: &JsValue) -> Result<File> {
    let size = property(source, "size").and_then(|size| size.as_f64());
    let mut file = File::source(Arc::new(JsSource {
        size: size.map(|size| size as u64),
        replayable: property(source, "replayable").is_some_and(|it| it.is_truthy()),
        pull: Pull::of(source)?,
        sessions: Cell::new(0),
    }));
    if let Some(name) = text(source, "name") {
        file = file.filename(name);
    }
    if let Some(kind) = text(source, "type") {
        file = file.content_type(kind);
    }
    Ok(file)
}

/// Returns the next chunk of a reading; `true` ends the reading.
#[derive(Clone)]
pub(crate) struct Pull(Rc<Function>);

impl Pull {
    pub(crate) fn new(pull: Function) -> Self {
        Self(Rc::new(pull))
    }

    /// Takes the method `pull` of a source.
    pub(crate) fn of(holder: &JsValue) -> Result<Self> {
        let pull = property(holder, "pull").and_then(|pull| pull.dyn_into().ok());
        pull.map(Self::new).ok_or_else(|| Error::bug("a source without `pull`"))
    }

    fn call(&self, session: u32, end: bool) -> Result<Promise, JsValue> {
        self.0.call2(&JsValue::UNDEFINED, &session.into(), &end.into()).map(|made| Promise::resolve(&made))
    }
}

struct JsSource {
    size: Option<u64>,
    replayable: bool,
    pull: Pull,
    sessions: Cell<u32>,
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
        let session = self.sessions.get();
        self.sessions.set(session + 1);
        let chunks =
            read(Reading::new(self.pull.clone(), session), |reason| BoxError::from(unreadable(reason)));
        Box::pin(async move { Ok(chunks) })
    }
}

/// Reads the chunks. `failed` makes the error for an exception of JavaScript.
pub(crate) fn read<E>(
    reading: Reading,
    failed: impl Fn(&str) -> E + 'static,
) -> BoxStream<'static, Result<Bytes, E>> {
    Box::pin(stream::unfold((reading, failed), async |(mut reading, failed)| {
        let chunk = reading.next().await.map_err(|thrown| failed(&reason(&thrown))).transpose()?;
        Some((chunk, (reading, failed)))
    }))
}

/// One reading. Dropping it ends it in JavaScript too, which may have to cancel a stream.
pub(crate) struct Reading {
    session: u32,
    pull: Pull,
    ended: bool,
}

impl Reading {
    pub(crate) fn new(pull: Pull, session: u32) -> Self {
        Self { session, pull, ended: false }
    }

    /// Records that nothing is left to read.
    pub(crate) fn finish(&mut self) {
        self.ended = true;
    }

    async fn next(&mut self) -> Result<Option<Bytes>, JsValue> {
        if self.ended {
            return Ok(None);
        }
        let chunk = match self.pull.call(self.session, false) {
            Ok(promise) => Waiting::on(&promise).await,
            Err(thrown) => Err(thrown),
        };
        let chunk = chunk.map(|chunk| (!chunk.is_null() && !chunk.is_undefined()).then(|| to_bytes(&chunk)));
        self.ended = !matches!(chunk, Ok(Some(_)));
        chunk
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        if !self.ended
            && let Ok(promise) = self.pull.call(self.session, true)
        {
            tasks::spawn(async move {
                // Ending a reading can fail, which changes nothing.
                let _ = Waiting::on(&promise).await;
            });
        }
    }
}
