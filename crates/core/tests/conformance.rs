//! Plays the conformance cases in `tests/cases` through the operation table.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{collections::BTreeSet, path::Path, sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use futures_util::TryStreamExt;
use replicant::{
    Client, Error, File, Item, Options, Value,
    native::{HttpOptions, HttpTransport},
    operation,
};
use replicant_emulator::{Config, Emulator};
use support::temporary_folder;

struct Case {
    name: String,
    text: String,
    json: Value,
}

fn cases() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/cases");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    let mut cases = Vec::new();
    for file in files {
        let all = Value::from_json(&std::fs::read(&file).unwrap()).unwrap();
        for json in all.as_array().expect("a file of cases is an array") {
            let stem = file.file_stem().unwrap().to_string_lossy();
            let text = String::from_utf8(json.to_json().unwrap()).unwrap();
            cases.push(Case { name: format!("{stem}: {}", json["name"]), text, json: json.clone() });
        }
    }
    cases
}

/// Replaces the objects `$bytes` and `$file` by bytes and files.
fn decode_files(value: Value, folder: &Path) -> Value {
    match value {
        Value::Array(items) => {
            Value::Array(items.into_iter().map(|item| decode_files(item, folder)).collect())
        }
        Value::Object(members) => {
            let decode = |text: &Value| STANDARD.decode(text.as_str().unwrap()).unwrap();
            if let Some(base64) = members.get("$bytes") {
                return Value::Bytes(decode(base64).into());
            }
            if let Some(file) = members.get("$file") {
                let name = file["filename"].as_str().unwrap_or("file");
                let content = match file.get("text") {
                    Some(text) => text.as_str().unwrap().as_bytes().to_vec(),
                    None => decode(&file["base64"]),
                };
                let path = folder.join(name);
                std::fs::write(&path, content).unwrap();
                let file_type = file["content_type"].as_str().map(str::to_owned);
                let file = File::path(path);
                return file_type.map_or(file.clone(), |kind| file.content_type(kind)).into();
            }
            Value::Object(
                members.into_iter().map(|(name, member)| (name, decode_files(member, folder))).collect(),
            )
        }
        leaf => leaf,
    }
}

/// Encodes bytes as in the cases, and file outputs as URLs.
fn to_plain_json(value: &Value) -> Value {
    match value {
        Value::Bytes(bytes) => replicant::json!({"$bytes": STANDARD.encode(bytes)}).into(),
        other => Value::from_json(&other.to_json().unwrap()).unwrap(),
    }
}

fn matches(actual: &Value, expected: &Value) -> bool {
    match (actual, expected) {
        (_, Value::String(any)) if any == "{{any}}" => true,
        (Value::Array(actual), Value::Array(expected)) => {
            actual.len() == expected.len() && actual.iter().zip(expected).all(|(a, e)| matches(a, e))
        }
        (Value::Object(actual), Value::Object(expected)) => {
            actual.len() == expected.len()
                && expected.iter().all(|(name, member)| actual.get(name).is_some_and(|a| matches(a, member)))
        }
        (Value::Number(actual), Value::Number(expected)) => actual.as_f64() == expected.as_f64(),
        (actual, expected) => actual == expected,
    }
}

fn check_error(error: &Error, expected: &Value) {
    let fields = error.to_value();
    for (name, value) in expected.as_object().unwrap() {
        if name == "message_contains" {
            for text in value.as_array().unwrap_or(std::slice::from_ref(value)) {
                let text = text.as_str().unwrap();
                assert!(error.message().contains(text), "{:?} lacks {text:?}", error.message());
            }
        } else {
            let actual = to_plain_json(&fields[name.as_str()]);
            assert!(matches(&actual, value), "error.{name} is {actual}, expected {value}\n{error:?}");
        }
    }
    assert!(!format!("{error:?}{fields:?}").contains("r8_test"), "the error contains the token: {error:?}");
}

async fn play(emulator: &Emulator, transport: &Arc<HttpTransport>, case: &Case) {
    let script = emulator.replay(&case.text).unwrap();
    let folder = temporary_folder();
    let filled = case
        .text
        .replace("{{base}}", &script.base_url())
        .replace("{{origin}}", script.origin())
        .replace("{{other}}", script.other_origin())
        .replace("{{tmp}}", folder.path().to_str().unwrap());
    let case = Value::from_json(filled.as_bytes()).unwrap();
    let mut options = Options::from_value(case.get("client").cloned().unwrap_or_else(Value::object)).unwrap();
    options.token = Some("r8_test".into());
    options.base_url.get_or_insert_with(|| script.base_url());
    if options.proxy.is_none() && options.ca_bundle.is_none() && options.connect_timeout.is_none() {
        // Shared by the cases, because setting up TLS for each takes long.
        options.transport = Some(transport.clone());
    }
    let client = Client::new(options).unwrap();

    let operation = case["call"]["operation"].as_str().unwrap();
    let params = decode_files(case["call"]["params"].clone(), folder.path());
    for (name, content) in case["files"].as_object().into_iter().flatten() {
        std::fs::write(folder.path().join(name), content.as_str().unwrap()).unwrap();
    }
    let outcome = if operation == "map" {
        map(&client, params, decode_files(case["call"]["rows"].clone(), folder.path())).await
    } else if case["call"]["stream"].as_bool() == Some(true) {
        operation::open(&client, operation, params).try_collect::<Vec<_>>().await.map(Outcome::Many)
    } else {
        operation::call(&client, operation, params, None).await.map(|reply| Outcome::One(reply.value))
    };
    match (case.get("error"), outcome) {
        (Some(expected), Err(error)) => check_error(&error, expected),
        (Some(expected), Ok(_)) => panic!("expected the error {expected}"),
        (None, Err(error)) => panic!("{error:?}"),
        (None, Ok(outcome)) => outcome.check(&case),
    }
    replicant::background::drain(Duration::from_secs(5)).await;
    let problems = script.problems();
    assert!(problems.is_empty(), "{problems:#?}");
}

/// Runs a batch. Returns its results, and the progress at its end.
async fn map(client: &Client, params: Value, rows: Value) -> replicant::Result<Outcome> {
    let mut messages = operation::open(client, "map", params);
    let (mut number, mut results, mut stats) = (Value::Null, Vec::new(), Value::Null);
    while let Some(Item::Value(message)) = messages.try_next().await? {
        let (name, value) = message.as_object().unwrap().iter().next().unwrap();
        match name.as_str() {
            "map" => number = value.clone(),
            "pull" => {
                for row in rows.as_array().unwrap() {
                    let mut row = row.clone();
                    row["map"] = number.clone();
                    operation::compute("map.row", row)?;
                }
                let push = [("map", number.clone()), ("end", true.into())];
                let push = push.map(|(name, value)| (name.to_owned(), value));
                operation::compute("map.push", Value::Object(push.into()))?;
            }
            "item" => results.push(value.clone()),
            _ => stats = value.clone(),
        }
    }
    results.sort_by_key(|item| item["index"].as_i64());
    Ok(Outcome::Batch(results, stats))
}

/// Checks the members of `expected`. An error is compared by its code.
fn check_members(actual: &Value, expected: &Value) {
    for (name, value) in expected.as_object().unwrap() {
        let actual = match &actual[name.as_str()] {
            error if name == "error" => error["code"].clone(),
            member => to_plain_json(member),
        };
        assert!(matches(&actual, value), "{name} is {actual}, expected {value}");
    }
}

enum Outcome {
    Batch(Vec<Value>, Value),
    One(Value),
    Many(Vec<Item>),
}

impl Outcome {
    fn check(self, case: &Value) {
        match self {
            Self::Batch(results, stats) => {
                let expected = case["items"].as_array().unwrap();
                assert_eq!(results.len(), expected.len(), "{results:#?}");
                results.iter().zip(expected).for_each(|(item, expected)| check_members(item, expected));
                if let Some(expected) = case.get("stats") {
                    check_members(&stats, expected);
                }
            }
            Self::One(value) => {
                if let Some(expected) = case.get("result") {
                    let value = to_plain_json(&value);
                    assert!(matches(&value, expected), "the result is {value}, expected {expected}");
                }
            }
            Self::Many(items) => {
                let mut content = Vec::new();
                let mut values = Vec::new();
                for item in items {
                    match item {
                        Item::Bytes(bytes) => content.extend_from_slice(&bytes),
                        Item::Event(event) => values.push(event_value(&event)),
                        // A page counts as its items. The prediction before the events is ignored.
                        Item::Value(value) => match value.get("results").and_then(Value::as_array) {
                            Some(results) => values.extend(results.iter().cloned()),
                            None if matches!(value.get("results"), Some(Value::Null)) => {}
                            None if value.get("urls").is_some_and(|urls| urls.get("stream").is_some()) => {}
                            None => values.push(value),
                        },
                        _ => unreachable!("a new kind of item"),
                    }
                }
                if let Some(expected) = case.get("content") {
                    assert_eq!(STANDARD.encode(content), expected.as_str().unwrap());
                }
                if let Some(expected) = case.get("items") {
                    let values = to_plain_json(&Value::Array(values));
                    assert!(matches(&values, expected), "the items are {values}, expected {expected}");
                }
            }
        }
    }
}

fn event_value(event: &replicant::Event) -> Value {
    let mut value = Value::object();
    value["event"] = event.event.as_str().into();
    value["data"] = event.data.as_str().into();
    if let Some(id) = &event.id {
        value["id"] = id.as_str().into();
    }
    if let Some(retry) = event.retry {
        value["retry"] = retry.into();
    }
    value
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn every_case_passes() {
    let emulator = Emulator::start(Config::default()).unwrap();
    let transport = Arc::new(HttpTransport::new(HttpOptions::default()).unwrap());
    let mut failed = Vec::new();
    for case in cases() {
        let name = case.name.clone();
        let played = std::panic::AssertUnwindSafe(play(&emulator, &transport, &case));
        if let Err(panic) = futures_util::FutureExt::catch_unwind(played).await {
            let why = panic.downcast_ref::<String>().cloned();
            let why = why.or_else(|| panic.downcast_ref::<&str>().map(|why| (*why).to_owned()));
            failed.push(format!("{name}\n    {}", why.unwrap_or_default()));
        }
    }
    assert!(failed.is_empty(), "{} cases failed:\n{}", failed.len(), failed.join("\n"));
}

#[test]
fn every_operation_has_a_case() {
    let played: BTreeSet<String> =
        cases().iter().map(|case| case.json["call"]["operation"].to_string()).collect();
    let all = operation::OPERATIONS.iter().chain(operation::STREAMS);
    let missing: Vec<_> = all.filter(|name| !played.contains(**name)).collect();
    assert!(missing.is_empty(), "operations without a case: {missing:?}");
}
