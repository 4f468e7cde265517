//! Replaces outputs that are read while the model writes them, which the faces of the web do not have.

use serde::Deserialize;

use super::{run::Run, snapshot::Snapshot};
use crate::{
    client::{Client, response::Payload},
    error::Result,
    http::request::RequestOptions,
    platform::BoxStream,
    value::Value,
    value::options::option_types,
};

/// No value: no run leaves its output to be read.
#[derive(Debug, Clone, Deserialize)]
pub(crate) enum Live {}

option_types! {
    Live => "any",
}

impl Run {
    pub(super) async fn started(self) -> Result<Payload> {
        Ok(Payload::Value(Value::from_members([("output", self.output().await?)])))
    }
}

impl Live {
    pub fn items(self, _: &Client, _: Snapshot, _: RequestOptions) -> BoxStream<'static, Result<Value>> {
        match self {}
    }
}
