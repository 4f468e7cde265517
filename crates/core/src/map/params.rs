//! The parameters of the operations of a batch.

use serde::Deserialize;

use super::{
    Map,
    fed::{Fed, Rows, find, messages},
    options::MapOptions,
    row::Row,
};
use crate::{
    client::Client,
    error::{Result, flattened},
    http::request::RequestOptions,
    identifier::ReferenceParam,
    platform::BoxStream,
    predictions::{
        options::PredictionOptions,
        run_params::{RunOptions, RunParams, reference},
    },
    value::{Value, options::options},
};

options! {
    /// The target of a batch, and what to report.
    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    pub(crate) struct MapArguments {
        #[serde(deserialize_with = "reference")]
        r#ref: ReferenceParam,
        /// The number of rows, if it is known.
        #[serde(default)]
        total: Option<u64>,
        /// Whether to report the progress.
        #[serde(default)]
        reports: bool,
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
        let (fed, requests) = Fed::new(map.concurrency());
        let params = RunParams::new(arguments.r#ref, options, prediction);
        let map = Map::new(client, Box::pin(Rows(fed.clone())), params, map, request_options);
        Ok(messages(map, fed, requests, arguments.total, arguments.reports))
    }
}

/// The parameters of `map.push`: rows for a batch, each with an `input` and maybe a `key`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PushParams {
    map: u64,
    #[serde(default)]
    rows: Vec<PushedRow>,
    /// Whether there are no more rows.
    #[serde(default)]
    end: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PushedRow {
    #[serde(default)]
    key: Value,
    input: Value,
}

impl PushParams {
    pub fn push(self) -> Result<Value> {
        let rows = self.rows.into_iter().map(|PushedRow { key, input }| {
            let row = Row::new(input);
            if key.is_null() { row } else { row.key(key) }
        });
        find(self.map)?.push(rows, self.end);
        Ok(Value::Null)
    }
}

/// The parameters of `map.stop`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StopParams {
    map: u64,
}

impl StopParams {
    pub fn stop(self) -> Result<Value> {
        find(self.map)?.stop();
        Ok(Value::Null)
    }
}
