//! Reads or saves one file of an output.

use std::path::PathBuf;

use crate::{
    client::{Client, call::Work, response::Reply},
    error::Result,
    files::output::FileOutput,
    http::request::RequestOptions,
    platform::BoxFuture,
    value::{Observer, Value},
};

pub(super) enum FileAction {
    Bytes,
    Head,
    Save(PathBuf),
}

/// An operation on one file of an output.
pub(super) struct OutputWork {
    file: FileOutput,
    action: FileAction,
    options: RequestOptions,
    observer: Option<Observer>,
}

impl OutputWork {
    pub fn new(client: &Client, url: &str, action: FileAction) -> Self {
        let file = FileOutput::new(client, url);
        Self { file, action, options: RequestOptions::default(), observer: None }
    }

    async fn execute(self) -> Result<Reply> {
        let Self { file, action, options, observer } = self;
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
            FileAction::Save(path) => {
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
