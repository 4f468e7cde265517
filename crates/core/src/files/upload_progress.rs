//! Who is told how far the files of an input have gone up.

use std::{fmt, sync::Arc};

use crate::{
    http::body_progress::{ByteObserver, transfer_progress},
    platform::{Callback, MaybeSend, MaybeSync},
    value::{Object, Observer, Value},
};

/// How far one file of an input has gone up.
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
    /// Where it stands: `input.image`, `input.images[0]`.
    pub place: String,
    /// Its name.
    pub name: String,
    /// Bytes sent so far. It begins again at zero when the upload is repeated.
    pub loaded: u64,
    /// Bytes in all, where that is known.
    pub total: Option<u64>,
}

impl UploadProgress {
    /// As other languages are told: `{"upload": {"place", "name", "loaded", "total"}}`.
    pub(crate) fn to_value(&self) -> Value {
        let mut upload = Object::new();
        upload.insert("place".to_owned(), self.place.as_str().into());
        upload.insert("name".to_owned(), self.name.as_str().into());
        if let Value::Object(bytes) = transfer_progress(self.loaded, self.total) {
            upload.extend(bytes);
        }
        Value::Object([("upload".to_owned(), Value::Object(upload))].into_iter().collect())
    }
}

/// Whoever wants to know, or nobody.
#[derive(Clone, Default)]
pub(crate) struct UploadWatch(Option<Callback<UploadProgress>>);

impl UploadWatch {
    pub fn new(watch: impl Fn(UploadProgress) + MaybeSend + MaybeSync + 'static) -> Self {
        Self(Some(Arc::new(watch)))
    }

    /// Tells an observer that takes values.
    pub fn telling(observer: Observer) -> Self {
        Self::new(move |upload| observer(upload.to_value()))
    }

    /// Who is told of the bytes of one file.
    pub fn of(&self, place: &str, name: &str) -> Option<ByteObserver> {
        let watch = self.0.clone()?;
        let (place, name) = (place.to_owned(), name.to_owned());
        Some(Arc::new(move |(loaded, total)| {
            watch(UploadProgress { place: place.clone(), name: name.clone(), loaded, total });
        }))
    }
}

impl fmt::Debug for UploadWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "watched" } else { "not watched" })
    }
}

/// A builder method over a field `uploads: UploadWatch` or the one given.
macro_rules! on_upload {
    () => {
        $crate::files::upload_progress::on_upload!(uploads);
    };
    ($($field:ident).+) => {
        /// Is told how far each file of the input has gone up, several at a time. Files that are inlined
        /// are not uploaded.
        ///
        /// ```no_run
        /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
        /// use replicant::{File, Value};
        ///
        /// let mut input = Value::object();
        /// input["image"] = File::path("photo.png").into();
        /// let run = client.run("acme/upscaler", input);
        /// run.on_upload(|upload| println!("{} {}/{:?}", upload.name, upload.loaded, upload.total)).await?;
        /// # Ok(()) }
        /// ```
        pub fn on_upload(
            mut self,
            watch: impl Fn($crate::files::upload_progress::UploadProgress)
            + $crate::platform::MaybeSend
            + $crate::platform::MaybeSync
            + 'static,
        ) -> Self {
            self.$($field).+ = $crate::files::upload_progress::UploadWatch::new(watch);
            self
        }
    };
}
pub(crate) use on_upload;
