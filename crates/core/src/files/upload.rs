//! Uploads of single files.

use super::upload_progress::UploadWatch;
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

/// The largest file the API takes: 100 MiB.
///
/// ```
/// assert_eq!(replicant::MAX_FILE_SIZE, 104_857_600);
/// ```
pub const MAX_FILE_SIZE: u64 = 100 * 1024 * 1024;

/// Refuses a file that cannot be read or that the API would refuse, before a byte is sent.
pub(super) fn check_file(file: &File, place: &str) -> Result<()> {
    file.source.check().map_err(|error| {
        Error::unreadable(error).map_message(|why| format!("`{place}`: {why}")).about(place)
    })?;
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

/// What to do with an upload.
#[derive(Default)]
pub(crate) struct UploadOptions {
    pub metadata: Option<Value>,
    pub deadline: Deadline,
    pub options: RequestOptions,
    pub watch: UploadWatch,
}

impl Client {
    /// Uploads one file and gives the API's file object.
    pub(crate) async fn upload(&self, file: &File, place: &str, upload: UploadOptions) -> Result<Reply> {
        check_file(file, place)?;
        let metadata = upload.metadata.map(|metadata| metadata.to_json()).transpose()?;
        let repeat = if file.source.replayable() { Idempotency::Safe } else { Idempotency::Impossible };
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

    pub(super) async fn upload_url(&self, file: &File, place: &str, upload: UploadOptions) -> Result<String> {
        let uploaded = self.upload(file, place, upload).await?;
        let url = uploaded.value["urls"]["get"].as_str().map(str::to_owned);
        url.ok_or_else(|| {
            Error::new(ErrorKind::InvalidResponse, "the response to the upload has no `urls.get`")
        })
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
