//! Helpers for the tests of batches.

use std::{path::Path, sync::Arc};

use futures_util::{StreamExt, TryStreamExt, stream};
use replicant::{
    Client, Options, json,
    map::{Map, MapItem, Row},
};
use replicant_emulator::{Config, Definition, Emulator};
use serde_json::Value as Json;

pub fn start() -> (Emulator, Client) {
    let emulator = Emulator::start(Config::default()).unwrap();
    let client = client_of(&emulator);
    (emulator, client)
}

pub fn client_of(emulator: &Emulator) -> Client {
    let options =
        Options { base_url: Some(emulator.base_url()), token: Some("r8_token".into()), ..Options::default() };
    Client::new(options).unwrap()
}

/// Returns rows for `emulator/echo`, whose outputs are their numbers.
pub fn numbers(count: usize) -> impl futures_util::Stream<Item = Row> + Send + 'static {
    stream::iter((0..count).map(|number| Row::new(json!({"value": number}))))
}

/// Returns rows with keys.
pub fn keyed(count: usize) -> impl futures_util::Stream<Item = Row> + Send + 'static {
    stream::iter((0..count).map(|number| Row::new(json!({"value": number})).key(format!("row {number}"))))
}

pub async fn all(map: Map) -> Vec<MapItem> {
    map.try_collect().await.unwrap()
}

pub fn predictions(emulator: &Emulator) -> Vec<Json> {
    serde_json::from_str(&emulator.predictions_json()).unwrap()
}

pub fn lines(path: &Path) -> Vec<Json> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Adds the model `acme/slow`, which ends when the returned number of predictions may end.
pub fn gated(emulator: &Emulator, name: &str) -> Arc<tokio::sync::Semaphore> {
    let gate = Arc::new(tokio::sync::Semaphore::new(0));
    let passes = gate.clone();
    let wait = move |input: Json, _| {
        let passes = passes.clone();
        async move {
            passes.acquire().await.map_err(|error| error.to_string())?.forget();
            Ok(input["value"].clone())
        }
    };
    emulator.model(Definition::new(name), wait).unwrap();
    gate
}

pub async fn eventually(condition: impl Fn() -> bool) {
    super::eventually("the condition", condition).await;
}

/// Runs a batch, which has no result yet, until a condition holds.
pub async fn run_until(map: &mut Map, condition: impl Fn() -> bool) {
    super::abandon(map.next(), "the condition", condition).await;
}
