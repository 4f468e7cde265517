//! Uploads files.

use tracing::info;

use super::upload_progress::UploadObserver;
use crate::{
    client::{
        Client,
        response::{Expect, Reply},
    },
    error::{Error, ErrorKind, Result},
    http::{
        deadline::Deadline,
        digest::Digest,
        multipart::Multipart,
        request::{Body, Request, RequestOptions},
        retry::Idempotency,
    },
    value::{File, Value},
};

/// Size of the largest file that the API accepts, in bytes: 100 MiB.
pub const MAX_FILE_SIZE: u64 = 100 * 1024 * 1024;

/// Checks that a file can be read and does not exceed the size limit. Called before anything is sent.
pub(crate) fn check_file(file: &File, place: &str) -> Result<()> {
    file.source.check().map_err(|error| Error::unreadable(error).of_file(place))?;
    match file.source.len() {
        Some(size) if size > MAX_FILE_SIZE => Err(Error::new(
            ErrorKind::FileTooLarge,
            format!(
                "`{place}`: the file is {} MiB; the limit is {} MiB. Host it yourself and pass its URL.",
                size.div_ceil(1 << 20),
                MAX_FILE_SIZE >> 20
            ),
        )
        .about(place)),
        _ => Ok(()),
    }
}

/// Options of an upload.
#[derive(Default)]
pub(crate) struct UploadOptions {
    pub metadata: Option<Value>,
    pub deadline: Deadline,
    pub options: RequestOptions,
    pub observer: UploadObserver,
}

impl Client {
    /// Uploads a file that [`check_file`] has accepted. `POST /files`
    pub(crate) async fn upload(&self, file: &File, place: &str, upload: UploadOptions) -> Result<Reply> {
        let metadata = upload.metadata.map(|metadata| metadata.to_json()).transpose()?;
        let idempotency = if file.source.replayable() { Idempotency::Safe } else { Idempotency::Impossible };
        let verify = self.config().verify_uploads;
        let multipart =
            Multipart::new(file.clone(), metadata, upload.observer.for_file(place, file.name()), verify);
        let mut request = Request::post("/files")
            .body(Body::Multipart(multipart))
            .deadline(upload.deadline)
            .options(upload.options);
        // Uploading a file twice is harmless: files are free and expire.
        request.idempotency = idempotency;
        let reply = self.send(&request, Expect::Object).await.map_err(|error| {
            let is_too_large = error.kind() == ErrorKind::PayloadTooLarge;
            if is_too_large { error.with_kind(ErrorKind::FileTooLarge) } else { error }.of_file(place)
        })?;
        info!(
            target: "replicant",
            place,
            size = file.source.len(),
            file_id = reply.value["id"].as_str(),
            "uploaded file"
        );
        if verify {
            let digest = request.body.progress().and_then(|progress| progress.take_digest());
            verify_upload(place, &reply.value, digest).await?;
        }
        Ok(reply)
    }

    /// Uploads a file and returns the URL to use in an input.
    pub(super) async fn upload_url(&self, file: &File, place: &str, upload: UploadOptions) -> Result<String> {
        let uploaded = self.upload(file, place, upload).await?;
        let url = uploaded.value["urls"]["get"].as_str().map(str::to_owned);
        url.ok_or_else(|| {
            Error::new(ErrorKind::InvalidResponse, "the response to the upload has no `urls.get`")
        })
    }
}

/// Compares the SHA-256 in the response to an upload with that of the bytes sent.
async fn verify_upload(place: &str, uploaded: &Value, digest: Option<Digest>) -> Result<()> {
    let invalid = |why: String| Error::new(ErrorKind::InvalidResponse, format!("`{place}`: {why}"));
    let Some(digest) = digest else {
        return Err(invalid("the server responded before the whole file was sent".to_owned()));
    };
    let Some(received) = uploaded["checksums"]["sha256"].as_str() else {
        return Err(invalid(
            "cannot verify the upload, as the response has no `checksums.sha256`".to_owned(),
        ));
    };
    let sent = digest.hex().await?;
    if received.eq_ignore_ascii_case(&sent) {
        return Ok(());
    }
    Err(invalid(format!(
        "the upload was corrupted: the server received SHA-256 {received}, but {sent} was sent"
    )))
}
