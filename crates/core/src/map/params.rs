//! The parameters of the operations of a batch.

use serde::Deserialize;

use super::{
    Map,
    options::MapOptions,
    row::Row,
    row_feed::{RowFeed, Rows, find, messages},
};
use crate::{
    client::Client,
    error::{Result, flattened},
    http::request::RequestOptions,
    identifier::ReferenceParam,
    platform::BoxStream,
    predictions::{
        options::PredictionOptions,
        run_params::{RunOptions, RunParams},
    },
    value::{Value, options::options},
};

options! {
    /// The target of a batch, and what to report.
    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    pub(crate) struct MapArguments {
        r#ref: ReferenceParam,
        /// The number of rows, if it is known.
        #[serde(default)]
        total: Option<u64>,
        /// Whether to report the progress.
        #[serde(default)]
        reports: bool,
        /// Whether each row must have a key.
        #[serde(default)]
        keyed: bool,
    }
}

flattened! {
    /// The parameters of `map`.
    pub(crate) struct MapParams {
        arguments: MapArguments,
        map: MapOptions,
        options: RunOptions,
        prediction: PredictionOptions,
    }
}

impl MapParams {
    /// Begins the batch, and returns its messages.
    pub fn messages(
        self,
        client: &Client,
        request_options: RequestOptions,
    ) -> Result<BoxStream<'static, Result<Value>>> {
        let Self { arguments, map, options, prediction } = self;
        map.check()?;
        arguments.r#ref.resolve()?;
        let (feed, requests) = RowFeed::new(map.concurrency(), arguments.keyed, arguments.total);
        let params = RunParams::new(arguments.r#ref, options, prediction);
        let map = Map::new(client, Box::pin(Rows(feed.clone())), params, map, request_options);
        Ok(messages(map, feed, requests, arguments.reports))
    }
}

/// The parameters of `map.row`: a row for a batch, or why it cannot be passed on. One at a time, so that a value that cannot
/// be sent fails its row only.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RowParams {
    map: u64,
    #[serde(default)]
    key: Value,
    #[serde(default)]
    input: Value,
    #[serde(default)]
    refusal: Option<String>,
}

impl RowParams {
    pub fn add(self) -> Result<Value> {
        let feed = find(self.map)?;
        let key = Some(self.key).filter(|key| feed.keyed || !key.is_null());
        feed.add(Row { key, input: self.input, refusal: self.refusal });
        Ok(Value::Null)
    }
}

/// The parameters of `map.push`, which ends the response to a request for rows.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PushParams {
    map: u64,
    /// Whether there are no more rows.
    #[serde(default)]
    end: bool,
}

impl PushParams {
    pub fn push(self) -> Result<Value> {
        find(self.map)?.responded(self.end);
        Ok(Value::Null)
    }
}

/// The parameters of `map.stats` and `map.stop`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BatchParams {
    map: u64,
}

impl BatchParams {
    pub fn stats(self) -> Result<Value> {
        Ok(find(self.map)?.stats())
    }

    pub fn stop(self) -> Result<Value> {
        find(self.map)?.stop();
        Ok(Value::Null)
    }
}
