//! Webhook verification, with the vectors that every language plays.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use replicant::operation;
use support::shared;

#[test]
fn webhooks_verify_like_the_shared_vectors() {
    for vector in shared("webhooks.json").as_array().unwrap() {
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
