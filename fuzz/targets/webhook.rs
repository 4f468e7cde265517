//! Webhooks that nobody has signed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use replicant::{Value, json, operation};
use replicant_fuzz::check_error;

fuzz_target!(|input: (&str, &[u8], &str, &str, &[u8])| {
    let (id, timestamp, signature, secret, body) = input;
    let headers = json!({"webhook-id": id, "webhook-signature": signature});
    let mut params: Value =
        json!({"headers": headers, "secret": secret, "tolerance": null, "now": 1.0}).into();
    params["headers"]["webhook-timestamp"] = Value::Bytes(bytes::Bytes::copy_from_slice(timestamp));
    params["body"] = Value::Bytes(bytes::Bytes::copy_from_slice(body));
    match operation::compute("webhooks.verify", params) {
        Ok(_) => panic!("an unsigned webhook was accepted"),
        Err(error) => check_error(&error),
    }
});
