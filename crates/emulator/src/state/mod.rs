//! The state that handlers and running jobs share.

pub(crate) mod runner;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use indexmap::IndexMap;

use crate::catalog::deployments::Deployment;
use crate::catalog::{Catalog, built_in, cog_models};
use crate::config::Config;
use crate::files::Files;
use crate::http::client::HttpClient;
use crate::http::fault::Faults;
use crate::http::gauges::Gauges;
use crate::http::limits::Limits;
use crate::http::recorder::Recorder;
use crate::job::Job;
use crate::replay::Replays;
use crate::support::time::{Time, Timestamp};
use crate::support::{ids, lock};
use crate::webhook::Webhooks;

pub(crate) type App = Arc<State>;

pub(crate) struct State {
    pub(crate) config: Config,
    /// The origin of the API: `http://127.0.0.1:PORT`.
    pub(crate) origin: String,
    /// The secret that signs `files/{id}/download` queries.
    pub(crate) files_secret: String,
    pub(crate) time: Time,
    pub(crate) client: Arc<HttpClient>,
    pub(crate) catalog: Mutex<Catalog>,
    pub(crate) deployments: Mutex<IndexMap<String, Deployment>>,
    pub(crate) jobs: Mutex<IndexMap<String, Arc<Job>>>,
    /// Jobs by the key in their stream URL.
    pub(crate) streams: Mutex<HashMap<String, Arc<Job>>>,
    pub(crate) files: Arc<Files>,
    pub(crate) webhooks: Arc<Webhooks>,
    pub(crate) faults: Faults,
    pub(crate) limits: Limits,
    pub(crate) recorder: Recorder,
    pub(crate) gauges: Arc<Gauges>,
    pub(crate) replays: Arc<Replays>,
}

impl State {
    pub(crate) fn new(config: Config, origin: String, replays: Arc<Replays>) -> App {
        let time = Time::new(config.time_scale);
        let client = Arc::new(HttpClient::default());
        let (catalog, deployments) = built_in::catalog(&config, &time);
        Arc::new(Self {
            files_secret: config.files_secret.clone().unwrap_or_else(ids::url_key),
            files: Arc::new(Files::new(&config, origin.clone(), time.clone(), client.clone())),
            webhooks: Arc::new(Webhooks::new(&config, time.clone(), client.clone())),
            origin,
            time,
            client,
            catalog: Mutex::new(catalog),
            deployments: Mutex::new(deployments),
            jobs: Mutex::default(),
            streams: Mutex::default(),
            faults: Faults::new(config.faults.clone()),
            limits: Limits::new(config.rate_limits, config.credit),
            recorder: Recorder::default(),
            gauges: Arc::default(),
            replays,
            config,
        })
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.time.now()
    }

    /// Converts a duration of the emulated service to real time.
    pub(crate) fn scaled(&self, duration: Duration) -> Duration {
        self.time.scaled(duration)
    }

    /// Returns how long the data of a finished job are kept, in real time.
    pub(crate) fn retention(&self) -> Duration {
        self.scaled(self.config.retention)
    }

    /// Adds the models that Cog servers run.
    pub(crate) async fn load_cog_models(&self) -> Result<(), String> {
        for model in cog_models::load(&self.config, &self.time, &self.client).await? {
            lock(&self.catalog).models.insert(model.full_name(), model);
        }
        Ok(())
    }
}
