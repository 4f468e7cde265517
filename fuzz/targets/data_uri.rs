//! `data:` URIs in outputs.
#![no_main]

use libfuzzer_sys::fuzz_target;
use replicant::{Value, json, operation};
use replicant_fuzz::{check_error, client, wait};

fuzz_target!(|input: &str| {
    let (client, _) = client([]);
    let params = json!({"url": format!("data:{input}")});
    match wait(operation::call(&client, "output.bytes", params.into(), None)) {
        Ok(reply) => {
            let Value::Bytes(bytes) = reply.value else { panic!("not bytes") };
            assert!(bytes.len() <= input.len());
        }
        Err(error) => check_error(&error),
    }
});
