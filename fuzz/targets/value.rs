//! JSON: what is read is written and read again unchanged, and everything that serde_json reads is read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use replicant::Value;
use replicant_fuzz::{Response, client, wait};

fuzz_target!(|input: &[u8]| {
    let ours = Value::from_json(input);
    if serde_json::from_slice::<serde_json::Value>(input).is_ok() {
        ours.as_ref().expect("serde_json reads it");
    }
    if let Ok(value) = ours {
        let text = value.to_json().expect("JSON");
        assert_eq!(Value::from_json(&text).expect("our own JSON"), value);
        // Shown in errors and logs.
        let _ = value.to_string();
    }
    // A response takes another path through the core, which checks the text without building a value.
    let (client, _) = client([Response::new(200, input), Response::new(200, input)]);
    let _ = wait(replicant::operation::call_as_text(&client, "account.get", Value::Null, None));
});
