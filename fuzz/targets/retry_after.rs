//! Delays that a server asks for, in headers and bodies.
#![no_main]

use libfuzzer_sys::fuzz_target;
use replicant::{json, operation};
use replicant_fuzz::{Response, check_error, client, wait};

fuzz_target!(|input: (bool, &[u8], &[u8])| {
    let (limited, header, body) = input;
    let status = if limited { 429 } else { 503 };
    let response = || Response::new(status, body).header("retry-after", header);
    let (client, player) = client([response(), response(), response()]);
    let error = wait(operation::call(&client, "predictions.get", json!({"id": "p"}).into(), None));
    check_error(&error.expect_err("an error status"));
    // A 429 uses up no retry.
    assert!(limited || player.bodies.lock().expect("no panic").len() <= 2);
});
