//! Everything the handlers and the running predictions share.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use indexmap::IndexMap;

use crate::catalog::Catalog;
use crate::clock::{Clock, Stamp};
use crate::config::Config;
use crate::deployments::Deployment;
use crate::fault::Faults;
use crate::files::{OutputFile, StoredFile};
use crate::job::Job;
use crate::limits::Limits;
use crate::recorder::Recorder;
use crate::replay::Replays;

pub(crate) type App = Arc<Shared>;

pub(crate) struct Shared {
    pub(crate) config: Config,
    /// `http://127.0.0.1:PORT` of the API.
    pub(crate) origin: String,
    pub(crate) webhook_secret: String,
    pub(crate) files_secret: String,
    pub(crate) clock: Clock,
    pub(crate) catalog: Mutex<Catalog>,
    pub(crate) jobs: Mutex<IndexMap<String, Arc<Job>>>,
    /// Jobs by the secret part of their stream URL.
    pub(crate) streams: Mutex<HashMap<String, Arc<Job>>>,
    pub(crate) files: Mutex<IndexMap<String, StoredFile>>,
    pub(crate) outputs: Mutex<HashMap<String, OutputFile>>,
    pub(crate) deployments: Mutex<IndexMap<String, Deployment>>,
    pub(crate) faults: Faults,
    pub(crate) limits: Limits,
    pub(crate) recorder: Recorder,
    pub(crate) gauges: Arc<Gauges>,
    pub(crate) replays: Arc<Replays>,
    http: OnceLock<reqwest::Client>,
}

impl Shared {
    pub(crate) fn new(config: Config, origin: String, replays: Arc<Replays>) -> App {
        let clock = Clock::default();
        let (catalog, deployments) = crate::catalog::built_in(&config, &clock);
        Arc::new(Self {
            webhook_secret: config.webhook_secret.clone().unwrap_or_else(crate::ids::webhook_secret),
            files_secret: config.files_secret.clone().unwrap_or_else(crate::ids::capability),
            origin,
            clock,
            catalog: Mutex::new(catalog),
            jobs: Mutex::default(),
            streams: Mutex::default(),
            files: Mutex::default(),
            outputs: Mutex::default(),
            deployments: Mutex::new(deployments),
            faults: Faults::new(config.faults.clone()),
            limits: Limits::new(config.rate_limits, config.credit),
            recorder: Recorder::default(),
            gauges: Arc::default(),
            replays,
            http: OnceLock::new(),
            config,
        })
    }

    pub(crate) fn now(&self) -> Stamp {
        self.clock.now()
    }

    /// A duration of the emulated service in real time.
    pub(crate) fn scaled(&self, time: Duration) -> Duration {
        time.mul_f64(self.config.time_scale)
    }

    /// The client for webhooks and inputs given by URL. It follows no redirects: each use decides that itself.
    pub(crate) fn http(&self) -> Result<&reqwest::Client, String> {
        if let Some(client) = self.http.get() {
            return Ok(client);
        }
        // Fails if the program has chosen a provider already, which is then used.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .connect_timeout(Duration::from_secs(10))
            .build()
            .map_err(|error| format!("could not set up an HTTP client: {error}"))?;
        Ok(self.http.get_or_init(|| client))
    }
}

/// Locks even if a panicking thread held the lock: the data are plain and stay usable.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What is open at this moment.
#[derive(Default)]
pub(crate) struct Gauges {
    pub(crate) connections: AtomicUsize,
    pub(crate) connections_ever: AtomicU64,
    pub(crate) streams: AtomicUsize,
    pub(crate) holds: AtomicUsize,
}

/// Counts one open thing until dropped.
pub(crate) struct Counted {
    gauges: Arc<Gauges>,
    which: fn(&Gauges) -> &AtomicUsize,
}

impl Counted {
    pub(crate) fn new(gauges: &Arc<Gauges>, which: fn(&Gauges) -> &AtomicUsize) -> Self {
        which(gauges).fetch_add(1, Ordering::Relaxed);
        Self { gauges: gauges.clone(), which }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        (self.which)(&self.gauges).fetch_sub(1, Ordering::Relaxed);
    }
}
