//! Uploaded files.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{
    client::{
        Client,
        call::{Call, Work, awaitable, request_options},
        page::List,
        response::{Expect, Reply},
    },
    error::{Error, Result},
    files::{
        upload::{UploadOptions, check_file},
        upload_progress::{UploadObserver, on_upload},
    },
    http::{
        body_progress::transfer_progress,
        request::{Request, RequestOptions, path},
    },
    platform::BoxFuture,
    value::{File, Object, Observer, Value},
};

/// An uploaded file. Use its `urls["get"]` in inputs.
///
/// ```no_run
/// # async fn example(client: replicant::Client) -> replicant::Result<()> {
/// let file = client.files().get("cneyb0").await?;
/// println!("{} ({} bytes): {}", file.name.unwrap_or_default(), file.size.unwrap_or(0), file.urls["get"]);
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
#[non_exhaustive]
pub struct UploadedFile {
    /// Id.
    pub id: String,
    /// File name.
    pub name: Option<String>,
    /// MIME type.
    pub content_type: Option<String>,
    /// Size in bytes.
    pub size: Option<i64>,
    /// Checksums by algorithm, such as `sha256`.
    pub checksums: Object,
    /// Metadata given at the upload.
    pub metadata: Value,
    /// Time of the upload, in RFC 3339.
    pub created_at: Option<String>,
    /// Time at which the API deletes the file, in RFC 3339.
    pub expires_at: Option<String>,
    /// URLs. `get` is the URL to use in inputs.
    pub urls: Object,
    /// Members that this version of the crate does not know.
    #[serde(flatten)]
    pub extra: Object,
}

/// A call that uploads a file; see [`Files::create`].
///
/// # Errors
/// The errors of a [`Call`], [`ErrorKind::FileNotFound`](crate::ErrorKind::FileNotFound) and
/// [`ErrorKind::FileTooLarge`](crate::ErrorKind::FileTooLarge).
///
/// ```no_run
/// # async fn example(client: replicant::Client) -> replicant::Result<()> {
/// use replicant::{File, json};
///
/// let file = File::bytes(&b"..."[..]).filename("notes.txt");
/// let uploaded = client.files().create(file).metadata(json!({"case": 7})).await?;
/// # Ok(()) }
/// ```
#[must_use = "a file is uploaded when this is awaited"]
#[derive(Debug)]
pub struct CreateFile {
    client: Client,
    file: Result<File>,
    metadata: Option<Value>,
    options: RequestOptions,
    uploads: UploadObserver,
}

impl CreateFile {
    /// Sets metadata to store with the file. Must be an object.
    pub fn metadata(mut self, metadata: impl Into<Value>) -> Self {
        self.metadata = Some(metadata.into());
        self
    }

    on_upload!();
    request_options!();

    async fn create(self) -> Result<Reply> {
        let Self { client, file, metadata, options, uploads } = self;
        if let Some(metadata) = &metadata
            && metadata.as_object().is_none()
        {
            return Err(Error::invalid_argument(
                "metadata",
                format!("must be an object, not {}", metadata.kind()),
            ));
        }
        let file = file?;
        check_file(&file, "file")?;
        let upload = UploadOptions { metadata, options, observer: uploads, ..UploadOptions::default() };
        client.upload(&file, "file", upload).await
    }
}

impl Work for CreateFile {
    fn options_mut(&mut self) -> &mut RequestOptions {
        &mut self.options
    }

    fn set_observer(&mut self, observer: Observer) {
        self.uploads =
            UploadObserver::new(move |upload| observer(transfer_progress(upload.loaded, upload.total)));
    }

    fn reply(self) -> BoxFuture<'static, Result<Reply>> {
        Box::pin(self.create())
    }
}

awaitable!([] CreateFile => UploadedFile);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateFileParams {
    file: Value,
    #[serde(default)]
    filename: Option<String>,
    #[serde(default)]
    content_type: Option<String>,
    #[serde(default)]
    metadata: Option<Value>,
}

impl CreateFileParams {
    pub fn create(self, client: &Client) -> CreateFile {
        let Self { file, filename, content_type, metadata } = self;
        let file = match file {
            Value::File(file) => Ok(file),
            Value::Bytes(bytes) => Ok(File::bytes(bytes)),
            other => Err(Error::invalid(format!(
                "Invalid file argument, must be a Blob, File or Buffer: `file` is {}. To upload a file by its path, \
                 pass `Path(\"photo.png\")` in Python or `await openAsBlob(\"photo.png\")` (node:fs) in Node.",
                other.kind()
            ))),
        };
        let file = file.map(|file| match filename {
            Some(filename) => file.filename(filename),
            None => file,
        });
        let file = file.map(|file| match content_type {
            Some(content_type) => file.content_type(content_type),
            None => file,
        });
        CreateFile { metadata, ..client.files().create_from(file) }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DownloadParams {
    pub id: String,
    pub owner: String,
    pub expiry: i64,
    pub signature: String,
}

/// The files resource; see [`Client::files`].
///
/// ```no_run
/// # async fn example(client: replicant::Client) -> replicant::Result<()> {
/// use replicant::File;
///
/// const UPSCALE: &str =
///     "nightmareai/real-esrgan:f121d640bd286e1fdc67f9799164c1d5be36ff74576ee11c803ae5b665dd46aa";
/// let photo = client.files().create(File::path("photo.png")).await?;
/// for scale in [2, 4] {
///     let input = replicant::json!({"image": photo.urls["get"].to_string(), "scale": scale});
///     client.run(UPSCALE, input).await?;
/// }
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Files<'c> {
    client: &'c Client,
}

impl Client {
    /// Returns the files resource.
    ///
    /// `run` and the creates upload files in their input. Use these methods for files that several
    /// predictions share.
    pub fn files(&self) -> Files<'_> {
        Files { client: self }
    }
}

impl Files<'_> {
    /// Uploads a file of at most 100 MiB. The API deletes it after a day. `POST /files`
    pub fn create(&self, file: File) -> CreateFile {
        self.create_from(Ok(file))
    }

    fn create_from(&self, file: Result<File>) -> CreateFile {
        CreateFile {
            client: self.client.clone(),
            file,
            metadata: None,
            options: RequestOptions::default(),
            uploads: UploadObserver::default(),
        }
    }

    /// Returns the metadata of a file. `GET /files/{id}`
    pub fn get(&self, id: &str) -> Call<UploadedFile> {
        Call::new(self.client, path("/files/{id}", &[("id", id)]).map(Request::get))
    }

    /// Lists uploaded files. `GET /files`
    pub fn list(&self) -> List<UploadedFile> {
        List::new(self.client, Ok(Request::get("/files")))
    }

    /// Deletes a file. `DELETE /files/{id}`
    pub fn delete(&self, id: &str) -> Call<bool> {
        Call::expecting(self.client, path("/files/{id}", &[("id", id)]).map(Request::delete), Expect::Nothing)
    }

    /// Downloads the content of a file. `GET /files/{id}/download`
    ///
    /// - `owner`: the account that owns the file.
    /// - `expiry`: when the signature expires, in seconds since the Unix epoch.
    /// - `signature`: the base64-encoded HMAC-SHA256 of `{owner} {id} {expiry}` with the account's signing
    ///   secret.
    pub fn download(&self, id: &str, owner: &str, expiry: i64, signature: &str) -> Call<Bytes> {
        let request = path("/files/{id}/download", &[("id", id)]).map(|path| {
            Request::get(path)
                .header("accept-encoding", "identity")
                .query("owner", Some(owner))
                .query("expiry", Some(expiry))
                .query("signature", Some(signature))
        });
        Call::expecting(self.client, request, Expect::File)
    }
}
