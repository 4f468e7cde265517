//! Validates every response against the API's OpenAPI document: `tests/openapi.json`, or the file that
//! `REPLICANT_OPENAPI` names.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::common::{Api, SDXL, api, status_and_body};
use serde_json::{Value, json};

fn document() -> Value {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/openapi.json");
    let path = std::env::var_os("REPLICANT_OPENAPI").map_or(own, PathBuf::from);
    let text = std::fs::read_to_string(&path);
    let text = text.unwrap_or_else(|error| panic!("no OpenAPI document at {}: {error}", path.display()));
    serde_json::from_str(&text).expect("the document is JSON")
}

/// Validates responses and records which operations were used.
struct Checker {
    api: Api,
    document: Value,
    used: BTreeSet<String>,
}

impl Checker {
    /// Sends a request and validates the response against the operation.
    async fn call(&mut self, operation: &str, path: &str, body: Option<Value>) -> Value {
        let (method, schema_of) = self.operation(operation);
        let mut request = self.api.request(&method, path);
        if let Some(body) = body {
            request = match body {
                Value::String(text) => request.body(text),
                body => request.json(&body),
            };
        }
        let (status, value) = status_and_body(request.send().await.expect("sent")).await;
        self.check(operation, &schema_of, status, &value);
        value
    }

    fn operation(&self, id: &str) -> (String, Value) {
        let paths = self.document["paths"].as_object().expect("paths");
        let operations = paths.values().flat_map(|path| path.as_object().expect("methods"));
        let mut found = operations.filter(|(_, operation)| operation["operationId"] == id);
        let (method, operation) = found.next().unwrap_or_else(|| panic!("no operation {id}"));
        (method.to_uppercase(), operation["responses"].clone())
    }

    fn check(&mut self, operation: &str, responses: &Value, status: u16, value: &Value) {
        self.used.insert(operation.to_owned());
        let response = &responses[status.to_string()];
        assert!(response.is_object(), "{operation} responded with {status}, which is not declared: {value}");
        if let Some(schema) = response.pointer("/content/application~1json/schema") {
            let mut problems = Vec::new();
            self.compare(schema, value, "response", &mut problems);
            assert!(problems.is_empty(), "{operation}: {problems:#?}\n{value:#}");
        }
    }

    fn compare(&self, schema: &Value, value: &Value, path: &str, problems: &mut Vec<String>) {
        if let Some(reference) = schema["$ref"].as_str() {
            let target = self.document.pointer(&reference[1..]).unwrap_or_else(|| panic!("no {reference}"));
            return self.compare(target, value, path, problems);
        }
        for part in schema["allOf"].as_array().into_iter().flatten() {
            self.compare(part, value, path, problems);
        }
        for choices in ["anyOf", "oneOf"].iter().filter_map(|name| schema[*name].as_array()) {
            let fits = choices.iter().any(|choice| {
                let mut found = Vec::new();
                self.compare(choice, value, path, &mut found);
                found.is_empty()
            });
            if !fits {
                problems.push(format!("{path}: matches none of the choices"));
            }
        }
        if value.is_null() && (schema["nullable"] == true || schema.get("type").is_none()) {
            return;
        }
        let kinds: Vec<&str> = match &schema["type"] {
            Value::String(kind) => vec![kind],
            Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let fits = |kind: &&str| match *kind {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "integer" => value.is_i64() || value.is_u64(),
            "number" => value.is_number(),
            "boolean" => value.is_boolean(),
            "null" => value.is_null(),
            _ => false,
        };
        if !kinds.is_empty() && !kinds.iter().any(fits) {
            return problems.push(format!("{path}: expected {kinds:?}, got {value}"));
        }
        if let Some(choices) = schema["enum"].as_array()
            && !choices.contains(value)
        {
            problems.push(format!("{path}: {value} is not one of {choices:?}"));
        }
        if schema["format"] == "uri"
            && let Some(text) = value.as_str()
            && url::Url::parse(text).is_err()
        {
            problems.push(format!("{path}: {text:?} is not a URL"));
        }
        if let Some(members) = value.as_object() {
            for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                // Recorded responses to creates omit members without a value, unlike the document.
                let later =
                    name == "output" && matches!(members.get("status"), Some(status) if status == "starting");
                if !members.contains_key(name) && !later {
                    problems.push(format!("{path}: {name} is missing"));
                }
            }
            for (name, part) in schema["properties"].as_object().into_iter().flatten() {
                if let Some(member) = members.get(name) {
                    // The document has strings and dates; recorded responses have null before there is a value.
                    let pending = matches!(name.as_str(), "started_at" | "completed_at" | "error" | "output");
                    if !(pending && member.is_null()) {
                        self.compare(part, member, &format!("{path}.{name}"), problems);
                    }
                }
            }
        }
        for (index, item) in value.as_array().into_iter().flatten().enumerate() {
            if let Some(items) = schema.get("items") {
                self.compare(items, item, &format!("{path}[{index}]"), problems);
            }
        }
    }
}

#[tokio::test]
async fn responses_match_the_openapi_document() {
    let mut api = Checker { api: api(), document: document(), used: BTreeSet::new() };
    let text = |value: &Value| value.as_str().expect("text").to_owned();

    api.call("account.get", "/account", None).await;
    api.call("hardware.list", "/hardware", None).await;
    api.call("webhooks.default.secret.get", "/webhooks/default/secret", None).await;
    api.call("collections.list", "/collections", None).await;
    api.call("collections.get", "/collections/text-to-image", None).await;
    api.call("search", "/search?query=picture", None).await;
    api.call("search", "/search", None).await;

    let model = "/models/stability-ai/sdxl";
    api.call("models.get", model, None).await;
    api.call("models.list", "/models", None).await;
    api.call("models.search", "/models", Some(json!("picture"))).await;
    api.call("models.examples.list", &format!("{model}/examples"), None).await;
    api.call("models.readme.get", &format!("{model}/readme"), None).await;
    api.call("models.versions.list", &format!("{model}/versions"), None).await;
    api.call("models.versions.get", &format!("{model}/versions/{SDXL}"), None).await;
    let body = json!({"owner": "acme", "name": "new", "visibility": "private", "hardware": "cpu"});
    api.call("models.create", "/models", Some(body)).await;
    api.call("models.update", "/models/acme/new", Some(json!({"description": "d"}))).await;
    api.call("models.delete", "/models/acme/new", None).await;

    let input = json!({"width": 16, "height": 16});
    let body = json!({"version": SDXL, "input": input});
    let created = api.call("predictions.create", "/predictions", Some(body)).await;
    let id = text(&created["id"]);
    let read = api.call("predictions.get", &format!("/predictions/{id}"), None).await;
    let done = api.api.finished(&read).await;
    api.call("predictions.get", &format!("/predictions/{id}"), None).await;
    api.call("predictions.cancel", &format!("/predictions/{id}/cancel"), None).await;
    api.call("predictions.list", "/predictions", None).await;
    let path = "/models/emulator/echo/predictions";
    api.call("models.predictions.create", path, Some(json!({"input": {"value": 1}}))).await;
    let path = "/deployments/acme/text/predictions";
    api.call("deployments.predictions.create", path, Some(json!({"input": {"prompt": "a"}}))).await;

    api.call("deployments.list", "/deployments", None).await;
    let body = json!({"name": "art", "model": "stability-ai/sdxl", "version": SDXL, "hardware": "gpu-t4",
                      "min_instances": 0, "max_instances": 2});
    api.call("deployments.create", "/deployments", Some(body)).await;
    api.call("deployments.get", "/deployments/acme/art", None).await;
    api.call("deployments.update", "/deployments/acme/art", Some(json!({"max_instances": 3}))).await;
    api.call("deployments.delete", "/deployments/acme/art", None).await;

    let body = json!({"destination": "acme/hotdog", "input": {"input_images": done["output"][0]}});
    let training =
        api.call("trainings.create", &format!("{model}/versions/{SDXL}/trainings"), Some(body)).await;
    let trained = api.api.finished(&training).await;
    let id = text(&training["id"]);
    api.call("trainings.get", &format!("/trainings/{id}"), None).await;
    api.call("trainings.list", "/trainings", None).await;
    api.call("trainings.cancel", &format!("/trainings/{id}/cancel"), None).await;
    let version = text(&trained["output"]["version"]).replace("acme/hotdog:", "");
    api.call("models.versions.delete", &format!("/models/acme/hotdog/versions/{version}"), None).await;

    let form = reqwest::multipart::Form::new().part("content", reqwest::multipart::Part::text("hello"));
    let response = api.api.request("POST", "/files").multipart(form).send().await.expect("sent");
    let (status, file) = status_and_body(response).await;
    let (_, responses) = api.operation("files.create");
    api.check("files.create", &responses, status, &file);
    let id = text(&file["id"]);
    api.call("files.list", "/files", None).await;
    api.call("files.get", &format!("/files/{id}"), None).await;
    api.call("files.download", &format!("/files/{id}/download?owner=a&expiry=1&signature=b"), None).await;
    api.call("files.delete", &format!("/files/{id}"), None).await;
    api.call("files.get", &format!("/files/{id}"), None).await;

    let paths = api.document["paths"].as_object().expect("paths");
    let operations = paths.values().flat_map(|path| path.as_object().expect("methods").values());
    let declared: BTreeSet<_> = operations.map(|operation| text(&operation["operationId"])).collect();
    assert_eq!(api.used, declared, "every operation was used");
}
