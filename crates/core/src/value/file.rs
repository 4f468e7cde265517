//! Files in inputs: their source, name and type.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use futures_util::stream;

use crate::platform::{BoxError, BoxFuture, BoxStream, MaybeSend, MaybeSync};

/// The source of a [`File`]'s bytes. A binding implements it for the file objects of its language.
///
/// Errors may be of any type. An [`Error`](crate::Error) reaches the caller unchanged; any other error
/// becomes the source of an [`ErrorKind::FileNotFound`](crate::ErrorKind::FileNotFound).
///
/// ```
/// use std::sync::Arc;
/// use bytes::Bytes;
/// use futures_util::stream;
/// use replicant::{BoxError, BoxFuture, BoxStream, ByteSource, File};
///
/// /// A number of zero bytes, generated as they are sent.
/// #[derive(Debug)]
/// struct Zeros(usize);
///
/// impl ByteSource for Zeros {
///     fn len(&self) -> Option<u64> {
///         Some(self.0 as u64)
///     }
///     fn replayable(&self) -> bool {
///         true
///     }
///     fn open(&self) -> BoxFuture<'_, Result<BoxStream<'static, Result<Bytes, BoxError>>, BoxError>> {
///         let zeros = stream::iter((0..self.0).map(|_| Ok(Bytes::from_static(b"\0"))));
///         Box::pin(async { Ok(Box::pin(zeros) as BoxStream<'static, _>) })
///     }
/// }
///
/// let file = File::source(Arc::new(Zeros(1000))).filename("zeros.bin");
/// ```
pub trait ByteSource: fmt::Debug + MaybeSend + MaybeSync {
    /// Returns the number of bytes, or `None` if it is unknown before reading.
    fn len(&self) -> Option<u64>;

    /// Returns `true` if the source is known to be empty.
    fn is_empty(&self) -> bool {
        self.len() == Some(0)
    }

    /// Returns `true` if [`ByteSource::open`] can be called again and returns the same bytes.
    fn replayable(&self) -> bool;

    /// Returns an identity of the content: sources with equal identities are uploaded once. `None` if unknown.
    fn identity(&self) -> Option<String> {
        None
    }

    /// Returns a part of the content of a replayable source, of at most `limit` bytes, by which the checkpoint of a batch
    /// compares it with that of an earlier batch. By default its beginning.
    #[cfg(not(target_arch = "wasm32"))]
    fn sample(&self, limit: usize) -> BoxFuture<'_, Result<Bytes, BoxError>> {
        Box::pin(async move {
            let (mut chunks, mut sample) = (self.open().await?, bytes::BytesMut::new());
            while sample.len() < limit
                && let Some(chunk) = futures_util::TryStreamExt::try_next(&mut chunks).await?
            {
                sample.extend_from_slice(&chunk[..chunk.len().min(limit - sample.len())]);
            }
            Ok(sample.freeze())
        })
    }

    /// Checks that the source can be read. Called before anything is sent.
    ///
    /// # Errors
    /// Fails if the source cannot be read.
    fn check(&self) -> Result<(), BoxError> {
        Ok(())
    }

    /// Opens the source at its first byte and returns its chunks.
    fn open(&self) -> BoxFuture<'_, Result<BoxStream<'static, Result<Bytes, BoxError>>, BoxError>>;
}

impl ByteSource for Bytes {
    fn len(&self) -> Option<u64> {
        Some(Bytes::len(self) as u64)
    }

    fn replayable(&self) -> bool {
        true
    }

    fn identity(&self) -> Option<String> {
        Some(format!("memory {:p} {}", self.as_ptr(), Bytes::len(self)))
    }

    fn open(&self) -> BoxFuture<'_, Result<BoxStream<'static, Result<Bytes, BoxError>>, BoxError>> {
        let bytes = self.clone();
        Box::pin(async move { Ok(Box::pin(stream::once(async move { Ok(bytes) })) as BoxStream<'static, _>) })
    }
}

/// A file to send: a path, bytes, a stream, a reader, or any [`ByteSource`].
///
/// A file is assigned to a member of a [`Value`](crate::Value); [`json!`](crate::json) cannot hold one.
///
/// ```
/// use replicant::{File, Value, json};
///
/// let mut input: Value = json!({"scale": 2}).into();
/// input["image"] = File::path("photo.png").into();
/// input["mask"] = File::bytes(&b"..."[..]).filename("mask.png").content_type("image/png").into();
/// input["style"] = b"...".to_vec().into();
/// assert!(matches!(input["style"], Value::Bytes(_)));
/// ```
#[derive(Clone)]
pub struct File {
    pub(crate) source: Arc<dyn ByteSource>,
    filename: Option<String>,
    content_type: Option<String>,
}

impl File {
    /// Builds a file from bytes in memory.
    pub fn bytes(bytes: impl Into<Bytes>) -> Self {
        Self::source(Arc::new(bytes.into()))
    }

    /// Builds a file from any other source.
    pub fn source(source: Arc<dyn ByteSource>) -> Self {
        Self { source, filename: None, content_type: None }
    }

    /// Sets the file name. Defaults to the last part of the path.
    pub fn filename(mut self, filename: impl Into<String>) -> Self {
        self.filename = Some(filename.into());
        self
    }

    /// Sets the MIME type. Defaults to the type of the extension of the file name, or else to the type
    /// detected from the content.
    pub fn content_type(mut self, content_type: impl Into<String>) -> Self {
        self.content_type = Some(content_type.into());
        self
    }

    /// Returns `true` if both files have the same name and type.
    pub(crate) fn is_named_as(&self, other: &Self) -> bool {
        self.filename == other.filename && self.content_type == other.content_type
    }

    /// Returns the name under which the file is uploaded.
    pub(crate) fn name(&self) -> &str {
        self.filename.as_deref().filter(|name| !name.is_empty()).unwrap_or("file")
    }

    /// Returns the MIME type, detected from the first bytes if necessary.
    pub(crate) fn mime(&self, first_bytes: &[u8]) -> String {
        if let Some(content_type) = &self.content_type {
            return content_type.clone();
        }
        let by_name = self.filename.as_deref().and_then(|name| type_of_name(name));
        let by_content = || type_of_content(first_bytes);
        by_name.or_else(by_content).unwrap_or("application/octet-stream").to_owned()
    }
}

/// Returns the MIME type of a content, detected from its first bytes.
#[cfg(not(target_arch = "wasm32"))]
fn type_of_content(first_bytes: &[u8]) -> Option<&'static str> {
    infer::get(first_bytes).map(|kind| kind.mime_type())
}

/// Returns the MIME type of a content, detected from its first bytes. Only common ones, because the module must be small.
#[cfg(target_arch = "wasm32")]
fn type_of_content(first_bytes: &[u8]) -> Option<&'static str> {
    use infer::{archive, audio, image, video};

    const TYPES: &[(fn(&[u8]) -> bool, &str)] = &[
        (image::is_png, "image/png"),
        (image::is_jpeg, "image/jpeg"),
        (image::is_webp, "image/webp"),
        (image::is_gif, "image/gif"),
        (audio::is_wav, "audio/x-wav"),
        (audio::is_mp3, "audio/mpeg"),
        (audio::is_flac, "audio/x-flac"),
        (audio::is_ogg, "audio/ogg"),
        (video::is_mp4, "video/mp4"),
        (video::is_webm, "video/webm"),
        (archive::is_pdf, "application/pdf"),
        (archive::is_zip, "application/zip"),
        (archive::is_gz, "application/gzip"),
    ];
    TYPES.iter().find(|(is_its, _)| is_its(first_bytes)).map(|(_, mime)| *mime)
}

/// Returns the MIME type for the extension of a file name.
#[cfg(not(target_arch = "wasm32"))]
fn type_of_name(name: &str) -> Option<&'static str> {
    mime_guess::from_path(name).first_raw()
}

/// Returns the MIME type for the extension of a file name. Only common ones: the complete table is a tenth of the module.
#[cfg(target_arch = "wasm32")]
fn type_of_name(name: &str) -> Option<&'static str> {
    const TYPES: &[(&str, &str)] = &[
        ("avif", "image/avif"),
        ("bmp", "image/bmp"),
        ("csv", "text/csv"),
        ("flac", "audio/flac"),
        ("gif", "image/gif"),
        ("gz", "application/gzip"),
        ("heic", "image/heic"),
        ("htm", "text/html"),
        ("html", "text/html"),
        ("jpeg", "image/jpeg"),
        ("jpg", "image/jpeg"),
        ("json", "application/json"),
        ("m4a", "audio/m4a"),
        ("md", "text/markdown"),
        ("mkv", "video/x-matroska"),
        ("mov", "video/quicktime"),
        ("mp3", "audio/mpeg"),
        ("mp4", "video/mp4"),
        ("ogg", "audio/ogg"),
        ("pdf", "application/pdf"),
        ("png", "image/png"),
        ("svg", "image/svg+xml"),
        ("tar", "application/x-tar"),
        ("tif", "image/tiff"),
        ("tiff", "image/tiff"),
        ("txt", "text/plain"),
        ("wav", "audio/wav"),
        ("webm", "video/webm"),
        ("webp", "image/webp"),
        ("zip", "application/zip"),
    ];
    let extension = name.rsplit_once('.')?.1.to_ascii_lowercase();
    TYPES.iter().find(|(known, _)| *known == extension).map(|(_, mime)| *mime)
}

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<file {}>", self.name())
    }
}

impl PartialEq for File {
    /// Returns `true` if both files share one source.
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.source, &other.source)
    }
}
