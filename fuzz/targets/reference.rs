//! References to models, versions and deployments.
#![no_main]

use libfuzzer_sys::fuzz_target;
use replicant::{Reference, json, operation};
use replicant_fuzz::check_error;

fuzz_target!(|input: &str| {
    match input.parse::<Reference>() {
        Ok(reference) => {
            let again: Reference = reference.to_string().parse().expect("a reference");
            assert_eq!(reference, again);
        }
        Err(error) => check_error(&error),
    }
    if let Ok(parts) = operation::compute("identifier.parse", json!({"ref": input}).into()) {
        let parts = parts.into_value().expect("parts");
        for name in ["owner", "name"] {
            assert!(!parts[name].as_str().unwrap_or_default().contains('/'), "{parts:?}");
        }
    }
});
