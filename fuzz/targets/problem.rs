//! Error responses: problem documents, and everything else that a server or a proxy may send.
#![no_main]

use libfuzzer_sys::fuzz_target;
use replicant::{json, operation};
use replicant_fuzz::{Response, check_error, client, wait};

fuzz_target!(|input: (u16, &[u8], &[u8])| {
    let (status, kind, body) = input;
    let status = 400 + status % 200;
    let response = || Response::new(status, body).header("content-type", kind).header("x-request-id", kind);
    for (name, params) in [
        ("predictions.get", json!({"id": "p"})),
        ("predictions.create", json!({"version": "5c7d", "input": {}})),
    ] {
        let (client, _) = client([response(), response()]);
        let error = wait(operation::call(&client, name, params.into(), None)).expect_err("an error status");
        check_error(&error);
    }
});
