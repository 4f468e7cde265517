//! The state that handlers and running jobs share.

pub(crate) mod jobs;
pub(crate) mod runner;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::StatusCode;
use indexmap::IndexMap;

use crate::cassette::Cassette;
use crate::catalog::deployments::Deployment;
use crate::catalog::{Catalog, built_in, defined};
use crate::cog;
use crate::config::Config;
use crate::defined::{Definition, Hub, Scripted};
use crate::files::Files;
use crate::http::access::Access;
use crate::http::client::HttpClient;
use crate::http::fault::Faults;
use crate::http::gauges::Gauges;
use crate::http::limits::Limits;
use crate::http::problem::Problem;
use crate::http::recorder::Recorder;
use crate::model::{Engine, Schema};
use crate::replay::Replays;
use crate::support::time::{Time, Timestamp};
use crate::support::{ids, lock};
use crate::webhook::{self, Webhooks};
use jobs::Jobs;

/// The shortest time between two sweeps.
const MIN_SWEEP: Duration = Duration::from_secs(1);

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
    pub(crate) jobs: Jobs,
    pub(crate) files: Arc<Files>,
    pub(crate) webhooks: Arc<Webhooks>,
    pub(crate) faults: Faults,
    pub(crate) limits: Limits,
    pub(crate) recorder: Recorder,
    pub(crate) access: Arc<Access>,
    pub(crate) gauges: Arc<Gauges>,
    pub(crate) replays: Arc<Replays>,
    /// Responds in place of the API.
    pub(crate) cassette: Option<Cassette>,
    /// The programs that run models which tests define.
    pub(crate) hub: Arc<Hub>,
    /// The predictions that run on Cog servers.
    pub(crate) cog: Arc<cog::Updates>,
}

impl State {
    /// `ports` are those at which clients reach the API.
    pub(crate) fn new(
        config: Config,
        origin: String,
        ports: Vec<u16>,
        access: Arc<Access>,
        replays: Arc<Replays>,
    ) -> Result<App, String> {
        if let Some(secret) = &config.webhook_secret {
            webhook::check_secret(secret)?;
        }
        let faults = Faults::default();
        faults.add(config.faults.clone())?;
        let time = Time::new(config.time_scale);
        let client = Arc::new(HttpClient::default());
        let (catalog, deployments) = built_in::catalog(&config, &time);
        let webhooks = Webhooks::new(&config, time.clone(), client.clone());
        Ok(Arc::new(Self {
            files_secret: config.files_secret.clone().unwrap_or_else(ids::url_key),
            files: Arc::new(Files::new(&config, ports, time.clone(), client.clone())),
            cassette: Cassette::open(&config, &webhooks.secret)?,
            webhooks: Arc::new(webhooks),
            origin,
            client,
            catalog: Mutex::new(catalog),
            deployments: Mutex::new(deployments),
            jobs: Jobs::new(config.keep_jobs, time.scaled(config.keep_for)),
            faults,
            limits: Limits::new(config.rate_limits, config.credit, time.clone()),
            recorder: Recorder::new(config.keep_requests, config.record.is_some()),
            access,
            gauges: Arc::default(),
            hub: Arc::default(),
            cog: Arc::default(),
            replays,
            time,
            config,
        }))
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

    /// Fails if a cassette responds in place of the emulated API.
    pub(crate) fn emulates(&self) -> Result<(), Problem> {
        let detail = "An emulator that records or replays has no models and predictions of its own. Start another one for \
                      them, and check the received requests of this one.";
        if self.cassette.is_some() { Err(Problem::new(StatusCode::CONFLICT, detail)) } else { Ok(()) }
    }

    /// Adds a model, or replaces the one with its name, whose versions remain if a test has defined it.
    pub(crate) fn define(
        &self,
        definition: &Definition,
        schema: Schema,
        engine: Engine,
    ) -> Result<(), String> {
        let mut entry = defined::entry(definition, schema, engine, &self.time)?;
        let mut catalog = lock(&self.catalog);
        for version in &entry.versions {
            if let Some((other, _)) =
                catalog.find_version(&version.id).filter(|(other, _)| other.full_name() != definition.name)
            {
                return Err(format!(
                    "`versions`: {:?} is the id of a version of {}; give each model ids of its own",
                    version.id,
                    other.full_name()
                ));
            }
        }
        // Deployments and clients may have earlier versions.
        let earlier = catalog.models.get(&definition.name).filter(|model| model.is_defined);
        for version in earlier.into_iter().flat_map(|model| &model.versions) {
            if entry.version(&version.id).is_none() {
                entry.versions.push(version.clone());
                entry.earlier_versions += 1;
            }
        }
        catalog.models.insert(definition.name.clone(), entry);
        Ok(())
    }

    /// Adds the model that a Cog server runs, or replaces the one with its name.
    pub(crate) async fn connect_cog(&self, name: &str, url: &str) -> Result<(), String> {
        let connected = cog::connect(&self.client, &self.cog, &self.origin, url).await;
        let (schema, engine) = connected.map_err(|error| format!("model {name}: {error}"))?;
        let definition = Definition {
            description: Some(format!("Run by the Cog server at {url}")),
            ..Definition::new(name)
        };
        self.define(&definition, schema, engine)
    }

    /// Forgets everything that clients and tests have created, except models as tests have defined them last.
    pub(crate) fn reset(&self) {
        // First, because the jobs end as canceled.
        self.webhooks.clear();
        self.jobs.clear(self.now(), &self.files);
        self.files.clear();
        self.faults.clear();
        self.recorder.clear();
        self.limits.reset();
        self.replays.clear();
        self.cassette.iter().for_each(Cassette::rewind);
        let (mut catalog, deployments) = built_in::catalog(&self.config, &self.time);
        let mut current = lock(&self.catalog);
        for (name, mut model) in current.models.drain(..).filter(|(_, model)| model.is_defined) {
            model.versions.truncate(model.versions.len() - model.earlier_versions);
            model.earlier_versions = 0;
            catalog.models.insert(name, model);
        }
        *current = catalog;
        *lock(&self.deployments) = deployments;
    }

    /// Frees what has expired, from time to time.
    pub(crate) async fn sweep(&self) {
        loop {
            let period = self.scaled(self.config.retention.min(self.config.keep_for)) / 60;
            self.time.sleep_real(period.max(MIN_SWEEP)).await;
            let now = self.now();
            self.jobs.sweep(now, &self.files);
            self.recorder.drop_before(now.minus(self.scaled(self.config.keep_for)));
            self.files.sweep(now);
        }
    }

    /// Adds the models of the configuration: scripted ones, and those that Cog servers run.
    pub(crate) async fn load_models(&self) -> Result<(), String> {
        for (name, output) in &self.config.scripted_models {
            let definition = Definition::new(name);
            let script = Scripted::from_output(output);
            let schema = definition.schema(script.iterates())?;
            self.define(&definition, schema, Arc::new(script))
                .map_err(|error| format!("--script: {error}"))?;
        }
        for (name, url) in &self.config.cog_models {
            self.connect_cog(name, url).await?;
        }
        Ok(())
    }
}
