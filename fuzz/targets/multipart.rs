//! Uploads: names, types and contents of files.
#![no_main]

use libfuzzer_sys::fuzz_target;
use replicant::{Value, json, operation};
use replicant_fuzz::{Response, check_error, client, wait};

fuzz_target!(|input: (&str, &str, &[u8])| {
    let (name, mime, content) = input;
    let (client, player) = client([Response::new(201, br#"{"id": "f", "urls": {"get": "https://x/f"}}"#)]);
    let mut params: Value = json!({"filename": name, "content_type": mime}).into();
    params["file"] = Value::Bytes(bytes::Bytes::copy_from_slice(content));
    let result = wait(operation::call(&client, "files.create", params, None));
    if let Err(error) = &result {
        check_error(error);
    }
    for (length, body) in player.bodies.lock().expect("no panic").iter() {
        assert_eq!(*length, Some(body.len() as u64));
        let end = body.windows(2).position(|pair| pair == b"\r\n").expect("a boundary");
        let boundary = &body[..end];
        let found = body.windows(boundary.len()).filter(|part| *part == boundary).count();
        let (head, rest) =
            body.split_at(body.windows(4).position(|four| four == b"\r\n\r\n").expect("a head") + 4);
        // One file: neither its name nor its type begins another header or part.
        assert_eq!((found, head.iter().filter(|byte| **byte == b'\n').count()), (2, 4), "{head:?}");
        assert!(rest.starts_with(content));
    }
});
