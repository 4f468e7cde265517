//! Event streams: the same events for any chunks, and no more than one connection's worth.
#![no_main]

use futures_util::StreamExt;
use libfuzzer_sys::fuzz_target;
use replicant::{Item, json, operation};
use replicant_fuzz::{Response, check_error, client, wait};

fn events(body: &[u8], size: usize) -> Vec<String> {
    let stream = Response::new(200, body).header("content-type", b"text/event-stream").in_chunks(size);
    let done = Response::new(200, br#"{"id": "p", "status": "succeeded"}"#);
    let (client, _) = client([stream, done]);
    let prediction =
        json!({"id": "p", "status": "processing", "urls": {"stream": "https://stream.example/p"}});
    let items = operation::open(&client, "predictions.stream", json!({"prediction": prediction}).into());
    let items: Vec<_> = wait(items.take(10_000).collect());
    items
        .into_iter()
        .map(|item| match item {
            Ok(Item::Event(event)) => format!("{event:?}"),
            Ok(other) => format!("{other:?}"),
            Err(error) => {
                check_error(&error);
                error.code().to_owned()
            }
        })
        .collect()
}

fuzz_target!(|input: (u8, &[u8])| {
    let (size, body) = input;
    assert_eq!(events(body, size.into()), events(body, body.len()));
});
