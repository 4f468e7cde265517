//! Items of an output that grows while it is looked at.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use bytes::Bytes;
use futures_util::TryStreamExt;
use proptest::prelude::*;
use replicant::{
    BoxFuture, Client, Item, Options, Result, json, operation,
    transport::{HttpRequest, HttpResponse, Transport},
};

/// Shows more of an output at each look.
struct Growing {
    /// How many items are there at each look; all of them in the end.
    shown: Vec<usize>,
    all: usize,
    looks: AtomicUsize,
}

impl Transport for Growing {
    fn send(&self, _request: HttpRequest) -> BoxFuture<'static, Result<HttpResponse>> {
        let look = self.looks.fetch_add(1, Ordering::SeqCst);
        let (status, count) = match self.shown.get(look) {
            Some(count) => ("processing", *count),
            None => ("succeeded", self.all),
        };
        let output: Vec<usize> = (0..count).collect();
        let body = json!({"id": "p1", "status": status, "output": output}).to_string();
        Box::pin(async move {
            Ok(HttpResponse { status: 200, headers: Vec::new(), body: Box::new(Bytes::from(body)) })
        })
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn every_item_comes_once_however_it_is_looked_at(mut shown in prop::collection::vec(0usize..12, 0..8)) {
        shown.sort_unstable();
        let transport = Growing { shown, all: 12, looks: AtomicUsize::new(0) };
        let options =
            Options { transport: Some(Arc::new(transport)), clock_rate: Some(10_000.0), ..Options::default() };
        let client = Client::new(options).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let items: Vec<Item> = runtime
            .block_on(operation::open(&client, "predictions.output_iterator", json!({"id": "p1"}).into()).try_collect())
            .unwrap();
        let expected: Vec<Item> = (0..12usize).map(|n| Item::Value(n.into())).collect();
        prop_assert_eq!(items, expected);
    }
}
