//! Requests to a Cog server.

use std::sync::Arc;
use std::time::Duration;

use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::Value;

use super::Prediction;
use crate::http::client::{HttpClient, cause};
use crate::model::Schema;
use crate::support::excerpt::excerpt;
use crate::support::json::Raw;

const TIMEOUT: Duration = Duration::from_secs(10);
/// The time between two attempts while all slots of the server are busy.
const BUSY: Duration = Duration::from_millis(100);
/// The length of an excerpt of a response, in characters.
const EXCERPT: usize = 200;

/// A Cog server, as `python -m cog.server.http` or the image of a model starts it.
pub(super) struct Server {
    pub(super) client: Arc<HttpClient>,
    pub(super) url: String,
}

/// The state of a server.
#[derive(Deserialize)]
struct Health {
    status: String,
    setup: Option<Setup>,
}

#[derive(Deserialize)]
struct Setup {
    logs: Option<String>,
}

impl Server {
    /// Reads the schema of the model, once its setup has ended.
    pub(super) async fn schema(&self) -> Result<Schema, String> {
        self.check_health().await?;
        let text = self.get("/openapi.json").await?;
        Schema::from_document(&text).map_err(|error| format!("{self} sent an invalid /openapi.json: {error}"))
    }

    /// Fails unless the model is ready.
    async fn check_health(&self) -> Result<(), String> {
        let text = self.get("/health-check").await?;
        let health: Health = serde_json::from_str(&text)
            .map_err(|_| format!("{self} sent no health check: {:?}", excerpt(&text, EXCERPT)))?;
        match health.status.as_str() {
            "READY" | "BUSY" => Ok(()),
            "STARTING" => Err(format!(
                "{self} is still setting up its model; start the emulator once its /health-check has the status READY"
            )),
            status => {
                let logs = health.setup.and_then(|setup| setup.logs).unwrap_or_default();
                Err(format!("{self} has the status {status}: {}", logs.trim()))
            }
        }
    }

    async fn get(&self, path: &str) -> Result<String, String> {
        let request = self.client.get()?.get(format!("{}{path}", self.url)).timeout(TIMEOUT);
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        let status = response.status();
        let text = response.text().await.map_err(|error| self.unreachable(&error))?;
        if status.is_success() {
            return Ok(text);
        }
        // From 0.17, the server computes no schema.
        let hint = match path {
            "/openapi.json" => "; `cog build` writes the schema of a model, and 'cog<0.17' needs none",
            _ => "",
        };
        Err(format!("{self} responded to {path} with {status}: {:?}{hint}", excerpt(&text, EXCERPT)))
    }

    /// Runs a prediction until it ends. While the server is busy, the prediction waits.
    pub(super) async fn predict(&self, id: &str, request: Raw) -> Result<Prediction, String> {
        let url = format!("{}/predictions/{id}", self.url);
        loop {
            let attempt = self.client.get()?.put(&url).header("content-type", "application/json");
            let response = attempt.body(request.get().to_owned()).send().await;
            let response = response.map_err(|error| self.unreachable(&error))?;
            let status = response.status();
            let text = response.text().await.map_err(|error| self.unreachable(&error))?;
            match status {
                StatusCode::CONFLICT => tokio::time::sleep(BUSY).await,
                // Some versions respond to a failed prediction with an error status.
                _ => match serde_json::from_str::<Prediction>(&text) {
                    Ok(prediction) if prediction.is_terminal() => return Ok(prediction),
                    _ => return Err(self.refusal(status, &text)),
                },
            }
        }
    }

    /// Cancels a prediction in the background.
    pub(super) fn cancel(&self, id: &str) {
        let (client, url) = (self.client.clone(), format!("{}/predictions/{id}/cancel", self.url));
        tokio::spawn(async move {
            if let Ok(client) = client.get() {
                let _ = client.post(url).timeout(TIMEOUT).send().await;
            }
        });
    }

    /// Describes a response that is not a prediction: `detail` has what is wrong with the input.
    fn refusal(&self, status: StatusCode, text: &str) -> String {
        let detail = serde_json::from_str::<Value>(text).ok().and_then(|body| body.get("detail").cloned());
        match detail {
            Some(detail) => format!("{self} refused the prediction with {status}: {detail}"),
            None => format!("{self} responded with {status} and no prediction: {:?}", excerpt(text, EXCERPT)),
        }
    }

    fn unreachable(&self, error: &reqwest::Error) -> String {
        let cause = cause(error);
        match error.is_connect() {
            true => format!("{self} does not respond ({cause}); is it running?"),
            false => format!("{self} stopped responding ({cause}); its own output may say why"),
        }
    }
}

impl std::fmt::Display for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the Cog server at {}", self.url)
    }
}
