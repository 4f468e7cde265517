//! Replaces batches on the web, where a program cannot run for long and has no files for a checkpoint.

use crate::{
    client::Client,
    error::{Error, ErrorKind, Params, Result},
    http::request::RequestOptions,
    platform::BoxStream,
    value::{DecodeError, Value},
};

fn unsupported<T>() -> Result<T> {
    let message =
        "`map` needs an operating system; create the predictions with `webhook`, or run the batch elsewhere";
    Err(Error::new(ErrorKind::Unsupported, message))
}

pub(super) struct MapParams;

impl Params for MapParams {
    fn decode(_: Value) -> Result<Self, DecodeError> {
        Ok(Self)
    }
}

impl MapParams {
    pub fn messages(self, _: &Client, _: RequestOptions) -> Result<BoxStream<'static, Result<Value>>> {
        unsupported()
    }

    pub fn add(self) -> Result<Value> {
        unsupported()
    }

    pub fn push(self) -> Result<Value> {
        unsupported()
    }

    pub fn stats(self) -> Result<Value> {
        unsupported()
    }

    pub fn stop(self) -> Result<Value> {
        unsupported()
    }
}

pub(super) use MapParams as BatchParams;
pub(super) use MapParams as PushParams;
pub(super) use MapParams as RowParams;
