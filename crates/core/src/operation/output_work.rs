//! Reads or saves one file of an output.

use super::params::FileUrl;
use crate::{
    client::{Client, call::Work, response::Reply},
    error::{Error, Result},
    files::output::FileOutput,
    http::request::RequestOptions,
    platform::BoxFuture,
    value::{Observer, Value},
};

#[derive(Clone, Copy)]
pub(super) enum FileAction {
    Bytes,
    Head,
    Save,
}

/// An operation on one file of an output.
pub(super) struct OutputWork {
    file: FileOutput,
    path: Option<std::path::PathBuf>,
    action: FileAction,
    options: RequestOptions,
    observer: Option<Observer>,
}

impl OutputWork {
    pub fn new(client: &Client, params: FileUrl, action: FileAction) -> Self {
        let file = FileOutput::new(client, &params.url);
        Self { file, path: params.path, action, options: RequestOptions::default(), observer: None }
    }

    async fn execute(self) -> Result<Reply> {
        let Self { file, path, action, options, observer } = self;
        let file = file.with_options(options);
        match action {
            FileAction::Bytes => {
                let (bytes, headers) = file.whole().await?;
                Ok(Reply { headers, ..Reply::of(Value::Bytes(bytes)) })
            }
            FileAction::Head => {
                let (content_type, size) = file.head().await?;
                let members = [("content_type", content_type.into()), ("size", size.into())];
                Ok(Reply::of(Value::from_members(members)))
            }
            FileAction::Save => {
                let path =
                    path.ok_or_else(|| Error::invalid("output.save: `path` is missing").about("path"))?;
                file.save_observed(&path, observer).await?;
                Ok(Reply::of(path.to_string_lossy().as_ref().into()))
            }
        }
    }
}

impl Work for OutputWork {
    fn options_mut(&mut self) -> &mut RequestOptions {
        &mut self.options
    }

    fn set_observer(&mut self, observer: Observer) {
        self.observer = Some(observer);
    }

    fn reply(self) -> BoxFuture<'static, Result<Reply>> {
        Box::pin(self.execute())
    }
}
