//! A model that a Cog server runs.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::files::data_uri;
use crate::http::client::HttpClient;
use crate::model::{Engine, Input, Model, Run, Schema, Work};
use crate::support::json::{Fields, Object, Raw, array, raw};

const SCHEMA_TIMEOUT: Duration = Duration::from_secs(10);

struct Cog {
    url: String,
}

/// Reads the schema of the model that the server at `url` runs.
pub(crate) async fn connect(client: &HttpClient, url: &str) -> Result<(Schema, Engine), String> {
    let text = get(client, &format!("{url}/openapi.json")).await;
    let text = text.map_err(|error| format!("the Cog server at {url} does not respond: {error}"))?;
    let schema = Schema::from_document(&text).map_err(|error| format!("the Cog server at {url}: {error}"))?;
    Ok((schema, Arc::new(Cog { url: url.to_owned() })))
}

async fn get(client: &HttpClient, url: &str) -> Result<String, String> {
    let response = client.get()?.get(url).timeout(SCHEMA_TIMEOUT).send().await;
    let response =
        response.and_then(reqwest::Response::error_for_status).map_err(|error| error.to_string())?;
    response.text().await.map_err(|error| error.to_string())
}

/// The response of a Cog server to a prediction.
#[derive(Deserialize)]
struct Prediction {
    status: Option<String>,
    output: Option<Box<RawValue>>,
    error: Option<String>,
    logs: Option<String>,
    detail: Option<Box<RawValue>>,
}

impl Model for Cog {
    fn run(&self, input: Input, run: Run) -> Work<'_> {
        Box::pin(async move {
            let id = run.job.spec.id.clone();
            let input = inline_uploads(&run, &input.raw).await?;
            let body = Fields::new().put("id", &id).put("input", &input).finish();
            let mut cancel =
                CancelOnDrop { run: run.clone(), url: Some(format!("{}/predictions/{id}/cancel", self.url)) };
            let request = run.client.get()?.put(format!("{}/predictions/{id}", self.url));
            let request = request.header("content-type", "application/json").body(body.get().to_owned());
            let response = request.send().await.map_err(|error| format!("The Cog server failed: {error}"))?;
            let status = response.status();
            let text = response.text().await.map_err(|error| format!("The Cog server failed: {error}"))?;
            cancel.url = None;
            let prediction: Prediction = serde_json::from_str(&text)
                .map_err(|error| format!("The Cog server's response ({status}) cannot be read: {error}"))?;
            for line in prediction.logs.as_deref().unwrap_or_default().lines() {
                run.log(line);
            }
            if prediction.status.as_deref() != Some("succeeded") {
                let detail = prediction.detail.map(|detail| detail.get().to_owned());
                let error = prediction.error.or(detail);
                return Err(error.unwrap_or_else(|| format!("The Cog server responded with {status}")));
            }
            if let Some(output) = prediction.output {
                run.output(save_data_uris(&run, &output));
            }
            Ok(())
        })
    }
}

/// Cancels the prediction on the Cog server if the work is dropped.
struct CancelOnDrop {
    run: Run,
    url: Option<String>,
}

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        let Some(url) = self.url.take() else { return };
        let client = self.run.client.clone();
        tokio::spawn(async move {
            if let Ok(client) = client.get() {
                let _ = client.post(url).send().await;
            }
        });
    }
}

/// Replaces uploads in the input by `data:` URIs, as the Cog server may not reach this one.
async fn inline_uploads(run: &Run, input: &Raw) -> Result<Raw, String> {
    let values: IndexMap<String, Box<RawValue>> = serde_json::from_str(input.get()).unwrap_or_default();
    let mut inlined = Object::new();
    for (name, value) in values {
        let uri = serde_json::from_str::<String>(value.get()).ok();
        let upload = uri.filter(|uri| run.files.is_upload(uri));
        let value = match upload {
            Some(uri) => {
                let file = run.fetch(&name, &uri).await?;
                let data = format!("data:application/octet-stream;base64,{}", STANDARD.encode(file));
                RawValue::from_string(raw(&data).get().to_owned()).map_err(|error| error.to_string())?
            }
            None => value,
        };
        inlined.insert(name, value);
    }
    Ok(raw(&inlined))
}

/// Saves the files in an output, which Cog sends as `data:` URIs, and replaces them by URLs.
fn save_data_uris(run: &Run, output: &RawValue) -> Raw {
    if let Ok(items) = serde_json::from_str::<Vec<Box<RawValue>>>(output.get()) {
        let items: Vec<Raw> = items.iter().map(|item| save_data_uris(run, item)).collect();
        return array(&items);
    }
    let text = serde_json::from_str::<String>(output.get()).ok();
    let file = text.as_deref().and_then(|text| text.strip_prefix("data:")).and_then(|rest| {
        let kind = rest.split([';', ',']).next().unwrap_or_default();
        Some((kind, data_uri(rest).ok()?))
    });
    match file {
        Some((kind, bytes)) => {
            let (extension, kind) = known_type(kind);
            raw(&run.save(&format!("output.{extension}"), kind, bytes))
        }
        None => Raw::from(output.to_owned()),
    }
}

/// Returns the extension and the content type of a file.
fn known_type(kind: &str) -> (&'static str, &'static str) {
    const KNOWN: [(&str, &str); 10] = [
        ("png", "image/png"),
        ("jpg", "image/jpeg"),
        ("webp", "image/webp"),
        ("gif", "image/gif"),
        ("mp4", "video/mp4"),
        ("mp3", "audio/mpeg"),
        ("wav", "audio/wav"),
        ("txt", "text/plain"),
        ("json", "application/json"),
        ("zip", "application/zip"),
    ];
    let known = KNOWN.iter().find(|(_, known)| *known == kind);
    *known.unwrap_or(&("bin", "application/octet-stream"))
}
