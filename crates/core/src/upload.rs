//! Files in inputs: uploaded as a stream or inlined as data: URIs, each once.

mod digest;
mod multipart;
mod watch;

use std::{fmt, sync::Arc};

use base64::Engine;
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, TryStreamExt, stream};
use serde::Deserialize;

use self::digest::Digest;
pub use self::watch::Upload;
pub(crate) use self::{
    multipart::{Multipart, Progress, moved},
    watch::{UploadWatch, on_upload},
};
use crate::{
    base64_engine,
    client::Client,
    error::{Error, ErrorKind, Result},
    exchange::Expect,
    platform::{BoxFuture, BoxStream, MaybeSend, MaybeSync},
    request::{Body, Request},
    retry::Repeat,
    value::{PathSegment, Value, place},
    wait::Deadline,
};

/// The largest file the API takes: 100 MiB.
///
/// ```
/// assert_eq!(replicant::MAX_FILE_SIZE, 104_857_600);
/// ```
pub const MAX_FILE_SIZE: u64 = 100 * 1024 * 1024;
/// The largest file that [`FileEncodingStrategy::Auto`] inlines. Saving a request is worth a larger body
/// up to about here.
const INLINE_LIMIT: u64 = 64 * 1024;
/// The most that all inlined files of one input may hold.
const INLINE_TOTAL: u64 = 10_000_000;
/// How many files of one input are uploaded at a time.
const PARALLEL: usize = 4;

/// How the files in an input are sent.
///
/// ```
/// use replicant::{Client, FileEncodingStrategy, Options};
///
/// let strategy = Some(FileEncodingStrategy::Auto);
/// let client = Client::new(Options { file_encoding_strategy: strategy, ..Options::default() })?;
/// # Ok::<(), replicant::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub enum FileEncodingStrategy {
    /// Uploads every file, as the official clients do: an inlined file comes back in every poll and webhook.
    #[default]
    #[serde(rename = "upload", alias = "url")]
    Upload,
    /// Uploads every file, and inlines those whose upload fails unless the API refused it. The default in Node,
    /// as in npm `replicate`.
    #[serde(rename = "default")]
    UploadOrInline,
    /// Inlines files of up to 64 KiB and uploads the others.
    #[serde(rename = "auto")]
    Auto,
    /// Inlines every file as a data: URI; 10 MB in total at most.
    #[serde(rename = "data-uri", alias = "base64")]
    DataUri,
}

impl FileEncodingStrategy {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Upload => "upload",
            Self::UploadOrInline => "default",
            Self::Auto => "auto",
            Self::DataUri => "data-uri",
        }
    }
}

/// Where the bytes of a [`File`] come from. A host language implements it for its own file objects.
///
/// ```
/// use std::sync::Arc;
/// use bytes::Bytes;
/// use futures_util::stream;
/// use replicant::{BoxFuture, BoxStream, ByteSource, File, Result};
///
/// /// `n` zeros, made as they are sent.
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
///     fn open(&self) -> BoxFuture<'_, Result<BoxStream<'static, Result<Bytes>>>> {
///         let zeros = stream::iter((0..self.0).map(|_| Ok(Bytes::from_static(b"\0"))));
///         Box::pin(async { Ok(Box::pin(zeros) as BoxStream<'static, _>) })
///     }
/// }
///
/// let file = File::source(Arc::new(Zeros(1000))).filename("zeros.bin");
/// ```
pub trait ByteSource: fmt::Debug + MaybeSend + MaybeSync {
    /// How many bytes there are, where it is known before reading.
    fn len(&self) -> Option<u64>;

    /// Whether there are no bytes.
    fn is_empty(&self) -> bool {
        self.len() == Some(0)
    }

    /// Whether [`ByteSource::open`] gives the same bytes a second time.
    fn replayable(&self) -> bool;

    /// What tells it from other sources: two of the same identity hold the same bytes, and are sent
    /// once. `None` if that cannot be known.
    fn identity(&self) -> Option<String> {
        None
    }

    /// Says early that it cannot be read.
    ///
    /// # Errors
    /// [`ErrorKind::FileNotFound`].
    fn check(&self) -> Result<()> {
        Ok(())
    }

    /// The bytes from the beginning.
    fn open(&self) -> BoxFuture<'_, Result<BoxStream<'static, Result<Bytes>>>>;
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

    fn open(&self) -> BoxFuture<'_, Result<BoxStream<'static, Result<Bytes>>>> {
        let bytes = self.clone();
        Box::pin(async move { Ok(Box::pin(stream::once(async move { Ok(bytes) })) as BoxStream<'static, _>) })
    }
}

/// A file to send: a path, bytes, or anything that can be read.
///
/// ```
/// use replicant::{File, Value, json};
///
/// let mut input: Value = json!({"scale": 2}).into();
/// input["image"] = File::path("photo.png").into();
/// input["mask"] = File::bytes(&b"..."[..]).filename("mask.png").into();
/// ```
#[derive(Clone)]
pub struct File {
    source: Arc<dyn ByteSource>,
    filename: Option<String>,
    content_type: Option<String>,
}

impl File {
    /// A file on disk; it is opened when it is sent.
    ///
    /// That it cannot be read shows when it is sent, as
    /// [`ErrorKind::FileNotFound`].
    ///
    /// ```
    /// use replicant::File;
    ///
    /// let photo = File::path("photos/heron.png");
    /// ```
    #[cfg(not(target_arch = "wasm32"))]
    pub fn path(path: impl Into<std::path::PathBuf>) -> Self {
        let path = path.into();
        let filename = path.file_name().map(|name| name.to_string_lossy().into_owned());
        Self { source: Arc::new(crate::native::PathSource::new(path)), filename, content_type: None }
    }

    /// Bytes in memory.
    ///
    /// ```
    /// use replicant::File;
    ///
    /// let notes = File::bytes("one\ntwo\n").filename("notes.txt");
    /// ```
    pub fn bytes(bytes: impl Into<Bytes>) -> Self {
        Self::source(Arc::new(bytes.into()))
    }

    /// Anything else that can be read.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use replicant::File;
    ///
    /// let source = Arc::new(bytes::Bytes::from_static(b"..."));
    /// let file = File::source(source).filename("data.bin");
    /// ```
    pub fn source(source: Arc<dyn ByteSource>) -> Self {
        Self { source, filename: None, content_type: None }
    }

    /// The name it is uploaded under; the path's last part by default.
    ///
    /// ```
    /// let mask = replicant::File::path("/tmp/4b2q8m").filename("mask.png");
    /// ```
    pub fn filename(mut self, filename: impl Into<String>) -> Self {
        self.filename = Some(filename.into());
        self
    }

    /// Its MIME type; by default taken from the name, or else from the content.
    ///
    /// ```
    /// let sound = replicant::File::path("take-1").content_type("audio/wav");
    /// ```
    pub fn content_type(mut self, content_type: impl Into<String>) -> Self {
        self.content_type = Some(content_type.into());
        self
    }

    fn name(&self) -> &str {
        self.filename.as_deref().filter(|name| !name.is_empty()).unwrap_or("file")
    }

    /// The MIME type, given what the file begins with.
    fn mime(&self, beginning: &[u8]) -> String {
        if let Some(content_type) = &self.content_type {
            return content_type.clone();
        }
        let by_name = self.filename.as_deref().and_then(|name| mime_guess::from_path(name).first_raw());
        let by_content = || infer::get(beginning).map(|kind| kind.mime_type());
        by_name.or_else(by_content).unwrap_or("application/octet-stream").to_owned()
    }

    /// Refuses what the API would refuse, before a byte is sent.
    fn check(&self, place: &str) -> Result<()> {
        self.source.check().map_err(|error| error.map_message(|why| format!("`{place}`: {why}")))?;
        match self.source.len() {
            Some(size) if size > MAX_FILE_SIZE => Err(Error::new(
                ErrorKind::FileTooLarge,
                format!(
                    "`{place}`: the file is {} MiB; the limit is {} MiB. Host it yourself and pass its URL.",
                    size.div_ceil(1 << 20),
                    MAX_FILE_SIZE >> 20
                ),
            )),
            _ => Ok(()),
        }
    }

    async fn data_uri(&self) -> Result<String> {
        let mut chunks = self.source.open().await?;
        let mut whole = BytesMut::new();
        while let Some(chunk) = chunks.try_next().await? {
            whole.extend_from_slice(&chunk);
            if whole.len() as u64 > INLINE_TOTAL {
                return Err(too_much_inline(whole.len() as u64));
            }
        }
        let content = base64_engine::engine().encode(&whole);
        Ok(["data:", &self.mime(&whole), ";base64,", &content].concat())
    }
}

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<file {}>", self.name())
    }
}

impl PartialEq for File {
    /// Whether both are the same source.
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.source, &other.source)
    }
}

fn too_much_inline(bytes: u64) -> Error {
    let why = format!(
        "Combined filesize of prediction {bytes} bytes exceeds 10mb limit for inline encoding, please provide URLs instead"
    );
    Error::new(ErrorKind::FileTooLarge, why)
}

/// Where a new file goes and what is known about it.
#[derive(Default)]
pub(crate) struct UploadOptions {
    pub metadata: Option<Value>,
    pub deadline: Deadline,
    pub options: crate::request::RequestOptions,
    pub watch: UploadWatch,
}

impl Client {
    /// Uploads one file and gives the API's file object.
    pub(crate) async fn upload(
        &self,
        file: &File,
        place: &str,
        upload: UploadOptions,
    ) -> Result<crate::exchange::Reply> {
        file.check(place)?;
        let metadata = upload.metadata.map(|metadata| metadata.to_json()).transpose()?;
        let repeat = if file.source.replayable() { Repeat::Safe } else { Repeat::Impossible };
        let verify = self.config().verify_uploads;
        let multipart = Multipart::new(file.clone(), metadata, upload.watch.of(place, file.name()), verify);
        let mut request = Request::post("/files")
            .body(Body::Multipart(multipart))
            .deadline(upload.deadline)
            .options(upload.options);
        // A file that was uploaded twice by a lost answer costs nothing and expires by itself.
        request.repeat = repeat;
        let reply = self.send(&request, Expect::Json).await.map_err(|error| match error.kind() {
            ErrorKind::PayloadTooLarge => error.with_kind(ErrorKind::FileTooLarge),
            _ => error,
        })?;
        if verify {
            let digest = request.body.progress().and_then(|progress| progress.take_digest());
            verify_upload(place, &reply.value, digest).await?;
        }
        Ok(reply)
    }

    async fn upload_url(&self, file: &File, place: &str, upload: UploadOptions) -> Result<String> {
        let uploaded = self.upload(file, place, upload).await?;
        let url = uploaded.value["urls"]["get"].as_str().map(str::to_owned);
        url.ok_or_else(|| {
            Error::new(ErrorKind::InvalidResponse, "the response to the upload has no `urls.get`")
        })
    }

    /// Replaces every file in an input by what the API takes: a data: URI or the URL of an upload.
    pub(crate) async fn send_files(
        &self,
        input: Value,
        strategy: Option<FileEncodingStrategy>,
        deadline: Deadline,
        watch: &UploadWatch,
    ) -> Result<Value> {
        let found = distinct_files(&input)?;
        if found.is_empty() {
            return Ok(input);
        }
        let strategy = strategy.unwrap_or(self.config().file_encoding_strategy);
        for (place, file) in &found {
            file.check(place)?;
        }
        let inline: u64 = found
            .iter()
            .filter(|(_, file)| inlined(file, strategy))
            .filter_map(|(_, file)| file.source.len())
            .sum();
        if inline > INLINE_TOTAL {
            return Err(too_much_inline(inline));
        }
        let sent: Vec<(File, String)> = stream::iter(found)
            .map(|(place, file)| async move {
                let reference = if inlined(&file, strategy) {
                    file.data_uri().await?
                } else {
                    let upload = UploadOptions { deadline, watch: watch.clone(), ..UploadOptions::default() };
                    match self.upload_url(&file, &place, upload).await {
                        Err(error)
                            if strategy == FileEncodingStrategy::UploadOrInline
                                && may_inline(&file, &error) =>
                        {
                            file.data_uri().await?
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

/// Compares the checksum of an uploaded file with that of the bytes that were sent.
async fn verify_upload(place: &str, uploaded: &Value, digest: Option<Digest>) -> Result<()> {
    let damaged = |why: String| Error::new(ErrorKind::InvalidResponse, format!("`{place}`: {why}"));
    let Some(digest) = digest else {
        return Err(damaged("the server responded before the whole file was sent".to_owned()));
    };
    let Some(received) = uploaded["checksums"]["sha256"].as_str() else {
        return Err(damaged(
            "cannot verify the upload, as the response has no `checksums.sha256`".to_owned(),
        ));
    };
    let sent = digest.hex().await?;
    if received.eq_ignore_ascii_case(&sent) {
        return Ok(());
    }
    Err(damaged(format!(
        "the upload was damaged: the server received SHA-256 {received}, but {sent} was sent"
    )))
}

/// Whether a file whose upload failed can be inlined instead: it is small enough, can be read again, and the
/// API did not refuse it.
fn may_inline(file: &File, error: &Error) -> bool {
    let refused = matches!(error.status(), Some(400..=499));
    let local = matches!(
        error.kind(),
        ErrorKind::FileNotFound | ErrorKind::FileTooLarge | ErrorKind::InvalidArgument
    );
    let small = file.source.len().is_some_and(|size| size <= INLINE_TOTAL);
    !refused && !local && small && file.source.replayable()
}

fn inlined(file: &File, strategy: FileEncodingStrategy) -> bool {
    match strategy {
        FileEncodingStrategy::DataUri => true,
        FileEncodingStrategy::Upload | FileEncodingStrategy::UploadOrInline => false,
        FileEncodingStrategy::Auto => file.source.len().is_some_and(|size| size <= INLINE_LIMIT),
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
    one.filename == other.filename
        && one.content_type == other.content_type
        && (one == other || identity.is_some() && identity == other.source.identity())
}

/// The files of an input with the place where each is met first.
fn distinct_files(input: &Value) -> Result<Vec<(String, File)>> {
    let mut found: Vec<(String, File)> = Vec::new();
    input.walk(&mut Vec::<PathSegment>::new(), &mut |leaf, path| {
        if let Some(file) = as_file(leaf)
            && !found.iter().any(|(_, other)| same(other, &file))
        {
            found.push((place("input", path), file));
        }
    });
    Ok(found)
}
