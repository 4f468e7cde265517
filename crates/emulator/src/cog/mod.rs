//! Models that Cog servers run.

mod content;
mod progress;
mod server;
mod updates;

use std::sync::Arc;
use std::time::Duration;

pub(crate) use progress::Prediction;
pub(crate) use updates::Updates;

use url::Url;

use crate::http::client::HttpClient;
use crate::model::{Engine, Input, Model, Run, Schema, Work};
use crate::support::json::{Fields, Raw};
use progress::Progress;
use server::Server;

/// How long a prediction waits for its last update after its response, which can lack the logs.
const LAST_UPDATE: Duration = Duration::from_secs(1);

/// The webhook events that a prediction asks for.
const EVENTS: [&str; 4] = ["start", "output", "logs", "completed"];

/// A model that a Cog server runs.
struct Cog {
    server: Server,
    updates: Arc<Updates>,
    /// The origin of the emulator, at which the server reports updates.
    origin: String,
    iterates: bool,
    outputs_files: bool,
}

/// Reads the schema of the model that the server at `url` runs.
pub(crate) async fn connect(
    client: &Arc<HttpClient>,
    updates: &Arc<Updates>,
    origin: &str,
    url: &str,
) -> Result<(Schema, Engine), String> {
    let parsed = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    if parsed.is_none() {
        return Err(format!(
            "`cog` must be the URL of a Cog server, such as http://127.0.0.1:5000, not {url:?}"
        ));
    }
    let server = Server { client: client.clone(), url: url.trim_end_matches('/').to_owned() };
    let schema = server.schema().await?;
    let cog = Cog {
        server,
        updates: updates.clone(),
        origin: origin.to_owned(),
        iterates: schema.iterates,
        outputs_files: schema.outputs_files,
    };
    Ok((schema, Arc::new(cog)))
}

impl Model for Cog {
    fn run(&self, input: Input, run: Run) -> Work<'_> {
        Box::pin(async move {
            let id = run.job.spec.id.clone();
            let input = content::inline(&run, &input.raw).await?;
            let mut updates = self.updates.subscribe(&id);
            let mut progress = Progress::new(&run, self.iterates, self.outputs_files);
            let mut guard = Guard { cog: self, id: &id, ended: false };
            let response = self.server.predict(&id, self.request(&id, &input));
            tokio::pin!(response);
            let last = loop {
                tokio::select! {
                    response = &mut response => break response,
                    Some(update) = updates.recv() => progress.report(&update),
                }
            };
            guard.ended = true;
            let last = last?;
            // A server that reaches the emulator also sends the logs of failed predictions, which responses lack.
            if progress.has_updates() && !last.has_logs() {
                let _ = tokio::time::timeout(LAST_UPDATE, async {
                    while let Some(update) = updates.recv().await {
                        progress.report(&update);
                        if update.is_terminal() {
                            break;
                        }
                    }
                })
                .await;
            }
            progress.finish(&last)
        })
    }
}

impl Cog {
    /// Builds a request. The response arrives when the prediction has ended; before that the server reports updates at
    /// the webhook, unless it cannot reach the emulator, as in a container.
    fn request(&self, id: &str, input: &Raw) -> Raw {
        Fields::new()
            .put("id", id)
            .put("input", input)
            .put("webhook", &format!("{}/_emulator/cog/{id}", self.origin))
            .put("webhook_events_filter", &EVENTS)
            .finish()
    }
}

/// Ends the subscription to a prediction, and cancels it on the server if the work is dropped.
struct Guard<'a> {
    cog: &'a Cog,
    id: &'a str,
    ended: bool,
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        self.cog.updates.end(self.id);
        if !self.ended {
            self.cog.server.cancel(self.id);
        }
    }
}
