//! Observes the progress of uploads.

use std::{fmt, sync::Arc};

use crate::{
    http::body_progress::ByteObserver,
    platform::{Callback, MaybeSend, MaybeSync},
    value::{Observer, Value},
};

/// The progress of one upload.
///
/// ```no_run
/// # async fn example(client: replicant::Client) -> replicant::Result<()> {
/// use replicant::{File, Value};
///
/// let mut input = Value::object();
/// input["image"] = File::path("photo.png").into();
/// let run = client.run("acme/upscaler", input);
/// let output = run.on_upload(|upload| println!("{}: {} bytes", upload.name, upload.loaded)).await?;
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UploadProgress {
    /// Path of the file in the input, such as `input.image` or `input.images[0]`.
    pub place: String,
    /// File name.
    pub name: String,
    /// Bytes sent so far. Restarts at zero when the upload is retried.
    pub loaded: u64,
    /// Size of the file in bytes, if known.
    pub total: Option<u64>,
}

impl UploadProgress {
    /// Converts the progress for the bindings: `{"upload": {"place", "name", "loaded", "total"}}`.
    pub(crate) fn to_value(&self) -> Value {
        let upload = Value::from_members([
            ("place", self.place.as_str().into()),
            ("name", self.name.as_str().into()),
            ("loaded", self.loaded.into()),
            ("total", self.total.into()),
        ]);
        Value::from_members([("upload", upload)])
    }
}

/// An optional observer of uploads.
#[derive(Clone, Default)]
pub(crate) struct UploadObserver(Option<Callback<UploadProgress>>);

impl UploadObserver {
    pub fn new(observer: impl Fn(UploadProgress) + MaybeSend + MaybeSync + 'static) -> Self {
        Self(Some(Arc::new(observer)))
    }

    /// Wraps an observer that receives values.
    pub fn from_values(observer: Observer) -> Self {
        Self::new(move |upload| observer(upload.to_value()))
    }

    /// Returns the observer of the bytes of one file.
    pub fn for_file(&self, place: &str, name: &str) -> Option<ByteObserver> {
        let observer = self.0.clone()?;
        let (place, name) = (place.to_owned(), name.to_owned());
        Some(Arc::new(move |(loaded, total)| {
            observer(UploadProgress { place: place.clone(), name: name.clone(), loaded, total });
        }))
    }
}

impl fmt::Debug for UploadObserver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "observed" } else { "not observed" })
    }
}

/// Adds the method `on_upload`. The observer is in the field `uploads` or the given one.
macro_rules! on_upload {
    () => {
        $crate::files::upload_progress::on_upload!(uploads);
    };
    ($($field:ident).+) => {
        /// Sets an observer of the uploads of the input's files. Several files may be uploaded at the same time.
        /// Inlined files are not reported.
        pub fn on_upload(
            mut self,
            observer: impl Fn($crate::files::upload_progress::UploadProgress)
            + $crate::platform::MaybeSend
            + $crate::platform::MaybeSync
            + 'static,
        ) -> Self {
            self.$($field).+ = $crate::files::upload_progress::UploadObserver::new(observer);
            self
        }
    };
}
pub(crate) use on_upload;
