//! The vectors that every language plays, for the parts that need no network.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use replicant::{ErrorKind, Value, operation};

fn vectors(name: &str) -> Value {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests").join(name);
    Value::from_json(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn webhooks() {
    for vector in vectors("webhooks.json").as_array().unwrap() {
        let name = &vector["name"];
        let verified = operation::compute("webhooks.verify", vector["webhook"].clone());
        match (vector.get("code"), verified) {
            (None, verified) => {
                assert_eq!(verified.unwrap().into_value().unwrap(), vector["event"], "{name}");
            }
            (Some(code), verified) => {
                let error = verified.unwrap_err();
                assert_eq!(code, &error.code(), "{name}");
                let message = vector["message"].as_str().unwrap_or_default();
                assert!(error.message().starts_with(message), "{name}: {error}");
            }
        }
    }
}

#[test]
fn error_codes() {
    let listed: BTreeSet<String> =
        vectors("errors.json").as_array().unwrap().iter().map(|entry| entry["code"].to_string()).collect();
    let known: BTreeSet<String> = ErrorKind::ALL.iter().map(|kind| kind.code().to_owned()).collect();
    assert_eq!(listed, known);
}
