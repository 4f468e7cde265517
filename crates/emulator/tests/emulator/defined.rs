//! Models that tests define: scripts, functions of Rust, and functions of another program.

use crate::common::{Api, api, eventually, seconds, status_and_body};
use futures_util::StreamExt;
use replicant_emulator::{Definition, Scripted};
use serde_json::{Value, json};

async fn create(api: &Api, model: &str, input: Value) -> Value {
    let (status, created) =
        api.post(&format!("/models/{model}/predictions"), json!({ "input": input })).await;
    assert_eq!(status, 201, "{created}");
    created
}

#[tokio::test]
async fn invalid_definitions_are_refused() {
    let api = api();
    let url = format!("{}/_emulator/models", api.emulator.origin());
    for (member, value, expected) in [
        ("cold_start", json!(-1), "`cold_start` must be a number of seconds from 0 to 86400, not -1"),
        ("run_time", json!("1s"), "`run_time` must be a number of seconds from 0 to 86400, not \"1s\""),
        ("script", json!({"delay": -1}), "`delay` must be a number of seconds from 0 to 86400, not -1"),
        ("script", json!({"delay": "soon"}), "invalid type: string \"soon\", expected f64"),
        ("input", json!({"text": "string"}), "`input` must be the JSON Schema of an object"),
        ("output", json!({"type": "strnig"}), "`output.type` must be one of"),
    ] {
        let mut definition = json!({"name": "acme/refused", "script": {}});
        definition[member] = value;
        let (status, problem) = api.post(&url, definition).await;
        let detail = problem["detail"].as_str().expect("text");
        assert!(status == 400 && detail.contains(expected) && !detail.contains(" at line "), "{detail}");
    }
    assert_eq!(api.get("/models/acme/refused").await.0, 404);
}

#[tokio::test]
async fn a_scripted_model_emits_fails_and_can_be_replaced() {
    let api = api();
    let (status, problem) = api.get("/models/acme/writer").await;
    let detail = problem["detail"].as_str().expect("text");
    assert!(status == 404 && detail.contains("emulator.script('acme/writer'"), "{detail}");
    let outputs = Some(vec!["Hello".into(), " world".into()]);
    let script = Scripted { outputs, logs: Some("thinking".into()), ..Scripted::default() };
    api.emulator.script(Definition::new("acme/writer"), script).expect("a definition");
    let done = api.finished(&create(&api, "acme/writer", json!({"any": "input"})).await).await;
    assert_eq!((&done["output"], &done["logs"]), (&json!(["Hello", " world"]), &json!("thinking\n")));
    let version = api.get("/models/acme/writer").await.1["latest_version"]["id"].clone();
    let by_version = api.run_version(version.as_str().expect("an id"), json!({})).await;
    assert_eq!(by_version["output"], done["output"]);

    let script = Scripted { fails: Some("out of memory".into()), ..Scripted::default() };
    let definition =
        Definition { versions: vec!["v2".into(), "v1".into()], ..Definition::new("acme/writer") };
    api.emulator.script(definition, script).expect("a definition");
    for version in ["acme/writer", "acme/writer:v1", "v2"] {
        let created = api.run_version(version, json!({})).await;
        let done = api.finished(&created).await;
        assert_eq!((&done["status"], &done["error"]), (&json!("failed"), &json!("out of memory")));
    }
    let error = api.emulator.script(Definition::new("writer"), Scripted::default()).expect_err("no owner");
    assert!(error.to_string().contains("`name` must be \"owner/name\""), "{error}");
    api.emulator.reset();
    assert_eq!(api.get("/models/acme/writer").await.0, 200, "a reset keeps defined models");
}

#[tokio::test]
async fn inputs_are_validated_by_the_schemas_of_common_libraries() {
    let api = api();
    let color = json!({"enum": ["red", "blue"], "type": "string"});
    let node = json!({"type": "object", "required": ["n"], "properties": {
        "n": {"type": "integer"}, "next": {"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]}
    }});
    let schema = json!({
        "$defs": {"Color": color, "Node": node, "Loop": {"$ref": "#/$defs/Loop"}},
        "type": "object",
        "required": ["count", "node"],
        "properties": {
            "count": {"type": ["integer", "null"]},
            "color": {"$ref": "#/$defs/Color", "default": "red"},
            "size": {"allOf": [{"type": "integer"}], "nullable": true},
            "only": {"const": 1},
            "node": {"$ref": "#/$defs/Node"},
            "loop": {"$ref": "#/$defs/Loop"},
            "any": true,
            "none": false,
        }
    });
    let definition = Definition { input: Some(schema.to_string()), ..Definition::new("acme/typed") };
    api.emulator.model(definition, async |input, _| Ok(input)).expect("a definition");
    let node = json!({"n": 1, "next": {"n": 2, "next": null}});
    let input = json!({"count": null, "node": node, "size": 2, "only": 1, "loop": 1, "any": [1]});
    let done = api.finished(&create(&api, "acme/typed", input).await).await;
    assert_eq!((&done["output"]["color"], &done["output"]["node"]), (&json!("red"), &node));
    for (member, value, field, expected) in [
        ("count", json!("1"), "input.count", "Invalid type. Expected: [integer,null], given: string"),
        ("color", json!("green"), "input.color", "must be one of the following: \"red\", \"blue\""),
        ("size", json!("2"), "input.size", "Invalid type. Expected: integer, given: string"),
        ("only", json!(2), "input.only", "must be 1"),
        ("none", json!(1), "input.none", "False always fails validation"),
        ("node", json!({}), "input.node", "n is required"),
        (
            "node",
            json!({"n": 1, "next": {"n": "x"}}),
            "input.node.next",
            "Must validate at least one schema (anyOf)",
        ),
    ] {
        let mut input = json!({"count": 1, "node": {"n": 1}});
        input[member] = value;
        let (status, problem) = api.post("/models/acme/typed/predictions", json!({ "input": input })).await;
        let invalid = &problem["invalid_fields"][0];
        assert_eq!(
            (status, &invalid["field"], &invalid["description"]),
            (422, &json!(field), &json!(expected))
        );
    }

    let tree = r##"{"$ref": "#/$defs/Node", "$defs": {"Node": {"type": "object", "required": ["n"]}}}"##;
    let definition = Definition { input: Some(tree.into()), ..Definition::new("acme/tree") };
    api.emulator.script(definition, Scripted::default()).expect("a definition");
    assert_eq!(api.post("/models/acme/tree/predictions", json!({"input": {}})).await.0, 422);
    let dangling = r##"{"properties": {"a": {"items": {"$ref": "#/$defs/None"}}}}"##;
    let definition = Definition { input: Some(dangling.into()), ..Definition::new("acme/dangling") };
    let error = api.emulator.script(definition, Scripted::default()).expect_err("a dangling reference");
    assert_eq!(error.to_string(), "`input`: the schema has no #/$defs/None");
}

#[tokio::test]
async fn a_required_member_with_a_default_may_be_missing() {
    let api = api();
    // As Zod describes what its parsers return.
    let nested = json!({"type": "object", "required": ["m"], "properties": {"m": {"default": null}}});
    let schema = json!({"type": "object", "required": ["n", "p"], "properties": {
        "n": {"type": "number", "default": 2}, "p": {"type": "string"}, "nested": nested
    }});
    let definition = Definition { input: Some(schema.to_string()), ..Definition::new("acme/zod") };
    api.emulator.model(definition, async |input, _| Ok(input)).expect("a definition");
    let done = api.finished(&create(&api, "acme/zod", json!({"p": "x", "nested": {}})).await).await;
    assert_eq!(done["output"], json!({"p": "x", "nested": {}, "n": 2}));
    let (status, problem) = api.post("/models/acme/zod/predictions", json!({"input": {}})).await;
    assert_eq!((status, problem["invalid_fields"].as_array().map(Vec::len)), (422, Some(1)), "{problem}");
}

#[tokio::test]
async fn choices_of_whole_inputs_are_validated() {
    let api = api();
    let text = json!({"type": "object", "required": ["text"], "properties": {"text": {"type": "string"}}});
    let image = json!({"type": "object", "required": ["image"], "properties": {"image": {"type": ["string", "null"]}}});
    let seed = json!({"properties": {"seed": {"type": "integer"}}});
    for keyword in ["anyOf", "oneOf"] {
        let schema = json!({
            "$ref": "#/$defs/Input",
            "$defs": {"Input": {keyword: [text, image], "allOf": [seed], "properties": {"size": {"type": "integer"}}}},
        });
        let definition = Definition { input: Some(schema.to_string()), ..Definition::new("acme/choice") };
        api.emulator.script(definition, Scripted::default()).expect("a definition");
        for (input, status) in [
            (json!({"text": "a", "seed": 1}), 201),
            (json!({"image": null, "size": null}), 201),
            (json!({}), 422),
            (json!({"text": 1}), 422),
            (json!({"text": "a", "seed": "b"}), 422),
        ] {
            let (found, problem) =
                api.post("/models/acme/choice/predictions", json!({ "input": input })).await;
            assert_eq!(found, status, "{input} {problem}");
        }
    }
}

#[tokio::test]
async fn choices_within_choices_are_validated_at_once() {
    let api = api();
    let node = |kind: &str| json!({"properties": {"kind": {"const": kind}, "next": {"$ref": "#/$defs/Any"}}});
    let any =
        json!({"anyOf": [{"$ref": "#/$defs/A"}, {"$ref": "#/$defs/B"}, {"allOf": [node("a"), node("a")]}]});
    let schema = json!({
        "$defs": {"A": node("a"), "B": node("b"), "Any": any},
        "properties": {"tree": {"$ref": "#/$defs/Any"}},
    });
    let definition = Definition { input: Some(schema.to_string()), ..Definition::new("acme/deep") };
    api.emulator.script(definition, Scripted::default()).expect("a definition");
    for (last, status) in [("b", 201), ("c", 422)] {
        let tree = (0..60).fold(json!({"kind": last}), |next, _| json!({"next": next}));
        let input = json!({"input": {"tree": tree}});
        let sent = api.post("/models/acme/deep/predictions", input);
        let (found, _) =
            tokio::time::timeout(std::time::Duration::from_secs(60), sent).await.expect("an answer");
        assert_eq!(found, status);
    }
}

#[tokio::test]
async fn a_version_belongs_to_one_model_and_one_schema() {
    let api = api();
    let script = |name: &str, versions: &[&str], script: Scripted| {
        let versions = versions.iter().map(|id| (*id).to_owned()).collect();
        api.emulator.script(Definition { versions, ..Definition::new(name) }, script)
    };
    let version = async || api.get("/models/acme/s").await.1["latest_version"]["id"].clone();
    let items = || Scripted { outputs: Some(vec!["a".into()]), ..Scripted::default() };
    script("acme/s", &[], items()).expect("a definition");
    let iterator = version().await;
    script("acme/s", &[], Scripted { output: Some("whole".into()), ..Scripted::default() })
        .expect("a definition");
    assert_ne!(version().await, iterator, "another schema");
    let earlier = api.run_version(iterator.as_str().expect("an id"), json!({})).await;
    assert_eq!(api.finished(&earlier).await["output"], json!(["a"]), "the earlier version remains");
    script("acme/s", &[], items()).expect("a definition");
    assert_eq!(version().await, iterator, "the same name and schema");

    script("acme/one", &["v1"], items()).expect("a definition");
    let error = script("acme/two", &["v2", "v1"], items()).expect_err("the version of another model");
    assert_eq!(
        error.to_string(),
        "`versions`: \"v1\" is the id of a version of acme/one; give each model ids of its own"
    );
    assert_eq!(api.get("/models/acme/two").await.0, 404);
    script("acme/one", &["v2", "v1"], items()).expect("a model may keep its ids");

    script("acme/one", &["v3"], items()).expect("a definition");
    script("acme/two", &["v1"], items()).expect_err("an earlier version remains");
    api.emulator.reset();
    assert_eq!(api.get("/models/acme/one/versions/v3").await.0, 200);
    script("acme/two", &["v1"], items()).expect("a reset removes earlier versions");
}

#[tokio::test]
async fn an_input_named_cold_start_delays_no_model_of_a_test() {
    let api = api();
    api.emulator.model(Definition::new("acme/engine"), async |input, _| Ok(input)).expect("a definition");
    let created = create(&api, "acme/engine", json!({"cold_start": 3600})).await;
    assert_eq!(api.finished(&created).await["output"], json!({"cold_start": 3600}));
}

#[tokio::test]
async fn a_function_reads_and_writes_files_and_logs() {
    let api = api();
    let schema = r#"{"type": "object", "required": ["text"],
                     "properties": {"text": {"type": "string", "format": "uri"}, "times": {"type": "integer", "default": 2}}}"#;
    let definition = Definition { input: Some(schema.into()), ..Definition::new("acme/repeat") };
    let repeat = async |input: Value, run: replicant_emulator::ModelRun| {
        let text = run.read(input["text"].as_str().unwrap_or_default()).await?;
        let times = input["times"].as_u64().ok_or("`times` has no default")?;
        run.log(format!("repeating {times} times"));
        Ok(run.save("frames/a b?#.txt", "text/plain", text.repeat(times as usize)).into())
    };
    api.emulator.model(definition, repeat).expect("a definition");
    let created = create(&api, "acme/repeat", json!({"text": "data:text/plain,ab"})).await;
    let done = api.finished(&created).await;
    let file = api.request("GET", done["output"].as_str().expect("a URL")).send().await.expect("sent");
    assert_eq!(file.headers()["content-type"], "text/plain");
    assert_eq!(status_and_body(file).await, (200, json!("abab")));
    assert_eq!(done["logs"], "repeating 2 times\n");
    let failed = api.finished(&create(&api, "acme/repeat", json!({"text": "mailto:x@y"})).await).await;
    assert!(failed["error"].as_str().is_some_and(|error| error.contains("cannot be read")), "{failed}");
    assert_eq!(api.post("/models/acme/repeat/predictions", json!({"input": {}})).await.0, 422);
}

#[tokio::test]
async fn a_function_keeps_state_between_predictions() {
    let api = api();
    let calls = std::cell::Cell::new(0);
    let count = async move |_, _| {
        calls.set(calls.get() + 1);
        tokio::task::yield_now().await;
        Ok(calls.get().into())
    };
    api.emulator.model(Definition::new("acme/counter"), count).expect("a definition");
    for number in 1..=2 {
        let done = api.finished(&create(&api, "acme/counter", json!({})).await).await;
        assert_eq!(done["output"], number);
    }
}

#[tokio::test]
async fn a_panic_of_a_function_fails_its_prediction() {
    let api = api();
    let later = async |input: Value, _| {
        tokio::task::yield_now().await;
        assert_eq!(input["prompt"], "a heron", "wrong prompt");
        Ok("painted".into())
    };
    api.emulator.model(Definition::new("acme/later"), later).expect("a definition");
    let failed = api.finished(&create(&api, "acme/later", json!({"prompt": "a crow"})).await).await;
    let error = failed["error"].as_str().expect("text");
    assert!(error.starts_with("The model panicked: ") && error.contains("wrong prompt"), "{error}");
    let done = api.finished(&create(&api, "acme/later", json!({"prompt": "a heron"})).await).await;
    assert_eq!(done["output"], "painted", "the model runs on");

    let at_once = |_, _| {
        assert!(std::hint::black_box(false), "at once");
        async { Ok(Value::Null) }
    };
    api.emulator.model(Definition::new("acme/at-once"), at_once).expect("a definition");
    let failed = api.finished(&create(&api, "acme/at-once", json!({})).await).await;
    assert_eq!(failed["error"], "The model panicked: at once");
}

#[tokio::test]
async fn a_function_that_blocks_delays_no_other_request() {
    let api = api();
    let (release, released) = std::sync::mpsc::channel();
    let block = async move |_, _| released.recv().map_err(|error| error.to_string());
    api.emulator.model(Definition::new("acme/blocks"), block).expect("a definition");
    let created = create(&api, "acme/blocks", json!({})).await;
    api.until(&created, &["processing"]).await;
    let other = api.run("echo", json!({"value": 1})).await;
    assert_eq!(api.finished(&other).await["output"], 1);
    release.send("free".into()).expect("a model that waits");
    assert_eq!(api.finished(&created).await["output"], "free");
}

#[tokio::test]
async fn a_cancel_drops_the_future_of_a_function() {
    let api = api();
    let (alive, mut dropped) = tokio::sync::mpsc::channel::<()>(1);
    let endless = move |_, _| {
        let alive = alive.clone();
        async move {
            let _alive = alive;
            std::future::pending().await
        }
    };
    api.emulator.model(Definition::new("acme/endless"), endless).expect("a definition");
    let created = create(&api, "acme/endless", json!({})).await;
    api.until(&created, &["processing"]).await;
    // Replaced, the model holds no sender of its own.
    api.emulator.script(Definition::new("acme/endless"), Scripted::default()).expect("a definition");
    let end = dropped.recv();
    tokio::pin!(end);
    assert!(tokio::time::timeout(seconds(0.1), &mut end).await.is_err(), "it runs on");
    api.post(created["urls"]["cancel"].as_str().expect("a URL"), Value::Null).await;
    assert_eq!(tokio::time::timeout(seconds(10.0), end).await, Ok(None));
}

#[tokio::test]
async fn another_program_runs_a_model() {
    let api = api();
    let base = format!("{}/_emulator", api.emulator.origin());
    let definition = json!({"name": "acme/remote", "worker": "w", "definition": "d1", "streams": true});
    assert_eq!(api.post(&format!("{base}/models"), definition).await.0, 201);
    // A run that is created before the worker connects waits for it.
    let created = create(&api, "acme/remote", json!({"a": 1})).await;
    let connection = api.request("GET", &format!("{base}/workers/w")).send().await.expect("sent");
    let mut lines = connection.bytes_stream();
    let mut next = async || lines.next().await.expect("a line").expect("bytes");
    assert_eq!(&next().await[..], b"{\"connected\": true}\n");
    let run: Value = serde_json::from_slice(&next().await).expect("JSON");
    let id = created["id"].as_str().expect("an id");
    let expected = json!({"id": id, "model": "acme/remote", "definition": "d1", "input": {"a": 1}});
    assert_eq!(run["run"], expected);
    let file = format!("{base}/runs/{id}/files?name=a%20b.txt");
    let file = api.request("POST", &file).header("content-type", "text/csv").body("x,y");
    let url = status_and_body(file.send().await.expect("sent")).await.1["url"].clone();
    assert!(url.as_str().is_some_and(|url| url.ends_with("/a_b.txt")), "{url}");
    let unnamed =
        api.request("POST", &format!("{base}/runs/{id}/files")).body("GIF89a").send().await.expect("sent");
    let unnamed = status_and_body(unnamed).await.1["url"].as_str().expect("a URL").to_owned();
    assert!(unnamed.ends_with("/output.gif"), "{unnamed}");
    let unnamed = api.request("GET", &unnamed).send().await.expect("sent");
    assert_eq!(unnamed.headers()["content-type"], "image/gif");
    for (uri, extension) in [
        ("data:application/json,{}", Some("json")),
        ("data:,GIF89a", Some("gif")),
        (url.as_str().expect("a URL"), Some("txt")),
        ("data:,abc", None),
    ] {
        let query = percent_encoding::utf8_percent_encode(uri, percent_encoding::NON_ALPHANUMERIC);
        let content = api.request("GET", &format!("{base}/content?uri={query}")).send().await.expect("sent");
        let found = content.headers().get("x-emulator-extension").map(|value| value.to_str().expect("text"));
        assert_eq!(found, extension, "{uri}");
    }
    let events = format!("{base}/runs/{id}/events");
    assert_eq!(
        api.post(&events, json!([{"logs": "hi"}, {"emit": url}, {"metric": ["n_count", 2]}])).await.0,
        204
    );
    assert_eq!(api.post(&events, json!([{"emti": 1}])).await.0, 400);
    assert_eq!(api.post(&events, json!(["done"])).await.0, 204);
    let done = api.finished(&created).await;
    assert_eq!(
        (&done["output"], &done["logs"], &done["metrics"]["n_count"]),
        (&json!([url]), &json!("hi"), &json!(2))
    );
    assert_eq!(api.post(&events, json!(["done"])).await.0, 410);

    let canceled = create(&api, "acme/remote", json!({})).await;
    next().await;
    api.post(canceled["urls"]["cancel"].as_str().expect("a URL"), Value::Null).await;
    let line: Value = serde_json::from_slice(&next().await).expect("JSON");
    assert_eq!(line["cancel"], canceled["id"]);

    let abandoned = create(&api, "acme/remote", json!({})).await;
    api.until(&abandoned, &["processing"]).await;
    drop(lines);
    let done = api.finished(&abandoned).await;
    assert_eq!(done["error"], "The program that defined the model has ended");
    let late = async || {
        let created = create(&api, "acme/remote", json!({})).await;
        api.finished(&created).await["status"] == "failed"
    };
    eventually(late, "a run of a program that has ended does not fail").await;
}

#[tokio::test]
async fn a_run_names_its_definition() {
    let api = api();
    let base = format!("{}/_emulator", api.emulator.origin());
    let connection = api.request("GET", &format!("{base}/workers/w")).send().await.expect("sent");
    let mut lines = connection.bytes_stream();
    let mut next = async || -> Value {
        serde_json::from_slice(&lines.next().await.expect("a line").expect("bytes")).expect("JSON")
    };
    next().await;
    let define = async |definition: &str, version: &str| {
        let body =
            json!({"name": "acme/remote", "worker": "w", "definition": definition, "versions": [version]});
        assert_eq!(api.post(&format!("{base}/models"), body).await.0, 201);
    };
    define("d1", "v1").await;
    define("d2", "v2").await;
    for (version, definition) in [("v1", "d1"), ("v2", "d2"), ("acme/remote", "d2")] {
        let (_, created) = api.post("/predictions", json!({"version": version, "input": {}})).await;
        assert_eq!(next().await["run"]["definition"], definition, "{version}");
        let events = format!("{base}/runs/{}/events", created["id"].as_str().expect("an id"));
        assert_eq!(api.post(&events, json!(["done"])).await.0, 204);
        api.finished(&created).await;
    }
    api.emulator.reset();
    assert_eq!(next().await, json!({"forget": "d1"}));
    define("d3", "v2").await;
    assert_eq!(next().await, json!({"forget": "d2"}), "no version is left");
}

#[tokio::test]
async fn a_function_takes_its_real_time() {
    let api = api();
    let advance = |minutes: u64| api.emulator.advance(std::time::Duration::from_secs(minutes * 60));
    let (release, released) = std::sync::mpsc::channel();
    let block = async move |_, _| released.recv().map_err(|error| error.to_string());
    let definition = Definition { run_time: seconds(7200.0), ..Definition::new("acme/blocks") };
    api.emulator.model(definition, block).expect("a definition");
    let created = create(&api, "acme/blocks", json!({})).await;
    api.until(&created, &["processing"]).await;
    advance(45);
    advance(80);
    // The emulator sees the advance before the result.
    assert_eq!(api.read(&created).await["status"], "processing");
    release.send("free".into()).expect("a model that waits");
    let done = api.finished(&created).await;
    let time = done["metrics"]["predict_time"].as_f64().expect("a number");
    assert!(done["status"] == "succeeded" && (7200.0..7260.0).contains(&time), "{done}");

    let (_release, released) = std::sync::mpsc::channel();
    let block = async move |_, _| released.recv().map_err(|error| error.to_string());
    api.emulator.model(Definition::new("acme/blocks"), block).expect("a definition");
    let request = api.request("POST", "/models/acme/blocks/predictions").header("cancel-after", "1h");
    let created = status_and_body(request.json(&json!({"input": {}})).send().await.expect("sent")).await.1;
    api.until(&created, &["processing"]).await;
    advance(61);
    let done = api.finished(&created).await;
    assert_eq!((&done["status"], &done["metrics"]["total_time"]), (&json!("canceled"), &json!(3600.0)));
}

#[tokio::test]
async fn a_create_whose_client_leaves_runs_to_its_end() {
    let api = api();
    let base = format!("{}/_emulator", api.emulator.origin());
    let worker = api.request("GET", &format!("{base}/workers/w?follow=true")).send().await.expect("sent");
    let mut lines = worker.bytes_stream();
    let mut next = async || lines.next().await.expect("a line").expect("bytes");
    next().await;
    assert_eq!(
        api.post(&format!("{base}/models"), json!({"name": "acme/remote", "worker": "w"})).await.0,
        201
    );
    let http = api.http.clone();
    let url = format!("{}/models/acme/remote/predictions", api.emulator.base_url());
    let request = tokio::spawn(async move { http.post(url).json(&json!({"input": {}})).send().await });
    let created: Value = serde_json::from_slice(&next().await).expect("JSON");
    let id = created["created"].as_str().expect("an id").to_owned();
    // Not acknowledged yet, so that the client is still waiting.
    request.abort();
    let run = tokio::time::timeout(seconds(10.0), next()).await.expect("the prediction runs");
    assert_eq!(serde_json::from_slice::<Value>(&run).expect("JSON")["run"]["id"], *id);
    assert_eq!(api.post(&format!("{base}/runs/{id}/events"), json!([{"output": 1}, "done"])).await.0, 204);
    let ended: Value = serde_json::from_slice(&next().await).expect("JSON");
    assert_eq!(ended["ended"], *id);
    assert_eq!(api.get(&format!("/predictions/{id}")).await.1["output"], 1);
}

#[tokio::test]
async fn versions_are_newest_first() {
    let api = api();
    let ids = ["2", "1", "3"].map(|digit| digit.repeat(64));
    let definition = json!({"name": "acme/versions", "versions": ids, "script": {"output": 1}});
    assert_eq!(api.post(&format!("{}/_emulator/models", api.emulator.origin()), definition).await.0, 201);
    let (_, listed) = api.get("/models/acme/versions/versions").await;
    let listed: Vec<_> = listed["results"].as_array().expect("results").iter().collect();
    assert_eq!(listed.iter().map(|version| version["id"].clone()).collect::<Vec<_>>(), ids);
    let (_, model) = api.get("/models/acme/versions").await;
    assert_eq!(model["latest_version"], *listed[0]);
}

#[tokio::test]
async fn expectations_are_explained() {
    let api = api();
    let check = async |expected: Value| {
        let (status, body) = api.post(&format!("{}/_emulator/checks", api.emulator.origin()), expected).await;
        assert_eq!(status, 200, "{body}");
        body["problem"].as_str().map(str::to_owned)
    };
    let model = "emulator/echo";
    assert_eq!(check(json!({"which": "never"})).await, None);
    let text = check(json!({"which": "called", "model": model})).await.expect("a problem");
    assert_eq!(
        text,
        "expected a prediction of emulator/echo, found none; no predictions were created at all"
    );
    api.run("echo", json!({"value": 1, "note": "a"})).await;
    api.run("echo", json!({"value": 2})).await;
    assert_eq!(check(json!({"which": "called", "model": model, "times": 2})).await, None);
    assert_eq!(check(json!({"which": "last", "model": model, "input": {"value": 2}})).await, None);
    assert_eq!(
        check(json!({"which": "any", "model": model, "input": {"value": "{{any}}", "note": "a"}})).await,
        None
    );
    let text =
        check(json!({"which": "last", "model": model, "input": {"value": 1}})).await.expect("a problem");
    assert_eq!(
        text,
        "the last prediction of emulator/echo has another input:\n  expected input.value = 1, got 2\n\
         found 2 predictions of emulator/echo:\n  1. {\"note\":\"a\",\"value\":1}\n  2. {\"value\":2}"
    );
    let text =
        check(json!({"which": "any", "model": model, "input": {"value": 3}})).await.expect("a problem");
    assert!(text.starts_with("the closest prediction"), "{text}");
    let text = check(json!({"which": "called", "model": "a/b"})).await.expect("a problem");
    assert!(text.ends_with("the models with predictions are emulator/echo (2)"), "{text}");
    let text = check(json!({"which": "never", "model": model})).await.expect("a problem");
    assert!(text.starts_with("expected no predictions of emulator/echo, found 2 predictions"), "{text}");
}

#[tokio::test]
async fn expectations_are_of_a_model_a_version_or_a_deployment() {
    let api = api();
    let url = format!("{}/_emulator/checks", api.emulator.origin());
    let found = async |which: &str, model: &str| {
        let (status, body) = api.post(&url, json!({"which": which, "model": model})).await;
        assert_eq!(status, 200, "{body}");
        !body["problem"].is_null()
    };
    let versions = vec!["v2".into(), "v1".into()];
    api.emulator
        .script(Definition { versions, ..Definition::new("acme/paid") }, Scripted::default())
        .expect("a definition");
    for model in ["acme/paid", "acme/paid:v1", "acme/paid:v2", "acme/text", "emulator/echo"] {
        assert!(!found("never", model).await, "{model}");
    }
    api.run_version("v1", json!({})).await;
    assert!(found("never", "acme/paid").await && found("never", "acme/paid:v1").await);
    assert!(!found("never", "acme/paid:v2").await && found("called", "acme/paid:v2").await);
    // The response shows no version, but the newest one runs.
    api.run_version("acme/paid", json!({})).await;
    assert!(found("never", "acme/paid:v2").await);
    assert_eq!(
        api.post("/deployments/acme/text/predictions", json!({"input": {"prompt": "a"}})).await.0,
        201
    );
    assert!(found("never", "acme/text").await && !found("called", "acme/text").await);

    for model in ["", "typo", "acme", "v1", "/paid", "acme/", "acme/paid:", "acme/paid/v1", "acme/pa id"] {
        for which in ["called", "last", "any", "never"] {
            let (status, problem) = api.post(&url, json!({"which": which, "model": model})).await;
            let detail = problem["detail"].as_str().unwrap_or_default();
            let expected = "`model` must be \"owner/name\" or \"owner/name:version\", not ";
            assert!(status == 400 && detail.starts_with(expected), "{model}: {status} {problem}");
        }
    }
    // Nothing could have called what does not exist: the name is misspelled.
    for model in ["acme/piad", "acme/paid:v3"] {
        let (status, problem) = api.post(&url, json!({"which": "never", "model": model})).await;
        let detail = problem["detail"].as_str().unwrap_or_default();
        assert!(status == 400 && detail.contains(&format!("no model {model}")), "{status} {problem}");
        assert!(found("called", model).await);
    }
    let (status, _) = api
        .post("/models", json!({"owner": "acme", "name": "own", "visibility": "private", "hardware": "cpu"}))
        .await;
    assert_eq!(status, 201);
    assert!(!found("never", "acme/own").await);
}

#[tokio::test]
async fn inputs_are_compared_as_they_were_created() {
    let api = api();
    let url = format!("{}/_emulator/checks", api.emulator.origin());
    let created = api.run("echo", json!({"value": "a"})).await;
    api.finished(&created).await;
    api.emulator.advance(std::time::Duration::from_secs(3660));
    let removed = async || api.read(&created).await["data_removed"] == true;
    eventually(removed, "the data stay").await;
    assert_eq!(api.read(&created).await["input"], json!({}));
    for which in ["last", "any"] {
        for (input, fits) in [(json!({"value": "a"}), true), (json!({}), false)] {
            let body = json!({"which": which, "model": "emulator/echo", "input": input});
            assert_eq!(api.post(&url, body).await.1["problem"].is_null(), fits, "{input}");
        }
    }
    let (_, body) = api.post(&url, json!({"which": "inputs", "model": "emulator/echo"})).await;
    assert_eq!(body, json!({"inputs": [{"value": "a"}]}));
}

#[tokio::test]
async fn a_failure_has_the_body_of_the_api() {
    let api = api();
    let action = json!({"status": 429, "problem": true, "retry_after": 7});
    api.fault(json!({"match": {"operation": "account.get"}, "action": action})).await;
    let response = api.request("GET", "/account").send().await.expect("sent");
    assert_eq!(response.headers()["retry-after"], "7");
    let (status, problem) = status_and_body(response).await;
    assert_eq!((status, &problem["retry_after"]), (429, &json!(7)));
    assert!(problem["detail"].as_str().is_some_and(|text| text.contains("throttled")), "{problem}");

    api.emulator.fail_next("account.get", 429).expect("a rule");
    let response = api.request("GET", "/account").send().await.expect("sent");
    assert_eq!(response.headers()["retry-after"], "1");
    let throttled = json!({"detail": "Request was throttled. Your rate limit resets in ~1s.", "status": 429, "retry_after": 1});
    assert_eq!(status_and_body(response).await, (429, throttled));
    api.emulator.fail_next("files.create", 413).expect("a rule");
    let too_large = json!({"detail": "Files must be less than 100MB in size"});
    assert_eq!(api.post("/files", Value::Null).await, (413, too_large));
}
