//! The headers and the body of a file, and of the response to the request that resumes it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use replicant::{Value, json, operation};
use replicant_fuzz::{Response, check_error, client, wait};

fuzz_target!(|input: (u8, &[u8], &[u8], &[u8], &[u8], &[u8])| {
    let (size, length, range, etag, first, second) = input;
    let response = |status, body| {
        Response::new(status, body)
            .header("content-length", length)
            .header("content-range", range)
            .header("etag", etag)
            .in_chunks(size.into())
    };
    let (client, _) = client([response(200, first), response(206, second)]);
    let params = json!({"url": "https://replicate.delivery/a.bin"});
    match wait(operation::call(&client, "output.bytes", params.into(), None)) {
        Ok(reply) => {
            let Value::Bytes(bytes) = reply.value else { panic!("not bytes") };
            assert!(bytes.starts_with(first) || first.starts_with(&bytes));
            assert!(bytes.len() <= first.len() + second.len());
        }
        Err(error) => check_error(&error),
    }
});
