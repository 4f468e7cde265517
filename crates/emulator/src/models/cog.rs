//! Models that a Cog server runs: predictions are handed on to it.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Input, Model};
use crate::app::{App, lock};
use crate::catalog::{Version, new_model};
use crate::json::{Fields, Object, Raw, raw};
use crate::runner::{Run, Work};
use crate::schema::Schema;
use crate::{fetch, files, ids};

const SCHEMA_WITHIN: Duration = Duration::from_secs(10);

struct Cog {
    url: String,
}

/// Adds the models of the configured servers to the catalogue.
pub(crate) async fn load_all(app: &App) -> Result<(), String> {
    for (name, url) in &app.config.cog_models {
        let text = get(app, &format!("{url}/openapi.json")).await;
        let text =
            text.map_err(|error| format!("no Cog server answers at {url} for model {name}: {error}"))?;
        let schema =
            Schema::from_document(&text).map_err(|error| format!("model {name} at {url}: {error}"))?;
        let (owner, model) = name.split_once('/').unwrap_or(("cog", name));
        let mut entry = new_model(owner, model, true, app.now());
        entry.description = Some(format!("Run by the Cog server at {url}"));
        entry.official = true;
        entry.versions.push(Version {
            id: ids::version(),
            created_at: app.now(),
            schema: Arc::new(schema),
            engine: Arc::new(Cog { url: url.clone() }),
            overridden_by: None,
        });
        lock(&app.catalog).models.insert(entry.full_name(), entry);
    }
    Ok(())
}

async fn get(app: &App, url: &str) -> Result<String, String> {
    let answer = app.http()?.get(url).timeout(SCHEMA_WITHIN).send().await;
    let answer = answer.and_then(reqwest::Response::error_for_status).map_err(|error| error.to_string())?;
    answer.text().await.map_err(|error| error.to_string())
}

/// What a Cog server answers.
#[derive(Deserialize)]
struct Answer {
    status: Option<String>,
    output: Option<Box<RawValue>>,
    error: Option<String>,
    logs: Option<String>,
    detail: Option<Box<RawValue>>,
}

impl Model for Cog {
    fn run(&self, input: Input, run: Run) -> Work<'_> {
        Box::pin(async move {
            let id = run.job.order.id.clone();
            let input = inline_uploads(&run, &input.raw).await?;
            let body = Fields::new().put("id", &id).put("input", &input).finish();
            let mut cancel =
                CancelOnDrop { run: run.clone(), url: Some(format!("{}/predictions/{id}/cancel", self.url)) };
            let request = run.app.http()?.put(format!("{}/predictions/{id}", self.url));
            let request = request.header("content-type", "application/json").body(body.get().to_owned());
            let answer = request.send().await.map_err(|error| format!("The Cog server failed: {error}"))?;
            let status = answer.status();
            let text = answer.text().await.map_err(|error| format!("The Cog server failed: {error}"))?;
            cancel.url = None;
            let answer: Answer = serde_json::from_str(&text)
                .map_err(|error| format!("The Cog server's answer ({status}) cannot be read: {error}"))?;
            for line in answer.logs.as_deref().unwrap_or_default().lines() {
                run.log(line);
            }
            if answer.status.as_deref() != Some("succeeded") {
                let detail = answer.detail.map(|detail| detail.get().to_owned());
                let error = answer.error.or(detail);
                return Err(error.unwrap_or_else(|| format!("The Cog server answered {status}")));
            }
            if let Some(output) = answer.output {
                run.output(save_data_uris(&run, &output));
            }
            Ok(())
        })
    }
}

/// Tells the server to stop when the job is cancelled, which drops its work.
struct CancelOnDrop {
    run: Run,
    url: Option<String>,
}

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        let Some(url) = self.url.take() else { return };
        let app = self.run.app.clone();
        tokio::spawn(async move {
            if let Ok(client) = app.http() {
                let _ = client.post(url).send().await;
            }
        });
    }
}

/// Puts uploaded files into the input, since only this server can read them.
async fn inline_uploads(run: &Run, input: &Raw) -> Result<Raw, String> {
    let values: IndexMap<String, Box<RawValue>> = serde_json::from_str(input.get()).unwrap_or_default();
    let mut inlined = Object::new();
    for (name, value) in values {
        let uri = serde_json::from_str::<String>(value.get()).ok();
        let upload = uri.filter(|uri| fetch::is_upload(&run.app, uri));
        let value = match upload {
            Some(uri) => {
                let file = run.fetch(&name, &uri).await?;
                let data = format!("data:application/octet-stream;base64,{}", STANDARD.encode(file.bytes));
                RawValue::from_string(raw(&data).get().to_owned()).map_err(|error| error.to_string())?
            }
            None => value,
        };
        inlined.insert(name, value);
    }
    Ok(raw(&inlined))
}

/// Turns files in an output, which Cog sends as data URIs, into files to be fetched.
fn save_data_uris(run: &Run, output: &RawValue) -> Raw {
    if let Ok(items) = serde_json::from_str::<Vec<Box<RawValue>>>(output.get()) {
        let items: Vec<Raw> = items.iter().map(|item| save_data_uris(run, item)).collect();
        return crate::json::array(&items);
    }
    let text = serde_json::from_str::<String>(output.get()).ok();
    let file = text.as_deref().and_then(|text| text.strip_prefix("data:")).and_then(|rest| {
        let kind = rest.split([';', ',']).next().unwrap_or_default();
        Some((kind, fetch::data_uri(rest).ok()?))
    });
    match file {
        Some((kind, bytes)) => {
            let (extension, kind) = known_type(kind);
            raw(&files::save_output(&run.app, &run.job, &format!("output.{extension}"), kind, bytes))
        }
        None => Raw::from(output.to_owned()),
    }
}

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
