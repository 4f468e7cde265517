//! The configuration of an emulator.

mod rule;

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

pub use rule::{Action, Match, Rule};

/// The configuration of an [`Emulator`](crate::Emulator). The default suits tests: it accepts any token, has no rate
/// limits, and models take milliseconds.
///
/// ```
/// use replicant_emulator::{Config, RateLimits};
///
/// let config = Config {
///     token: Some("r8_secret".into()),
///     rate_limits: Some(RateLimits { creates_burst: Some(1), ..RateLimits::default() }),
///     ..Config::default()
/// };
/// ```
#[derive(Clone, Debug)]
pub struct Config {
    /// The port of the API on 127.0.0.1; 0 selects a free one.
    pub port: u16,
    /// The only token accepted. `None` accepts any token, and requests without a token.
    pub token: Option<String>,
    /// The name of the account that the token belongs to.
    pub account: String,
    /// The secret that signs webhooks: `whsec_` and base64. `None` generates one.
    pub webhook_secret: Option<String>,
    /// The secret that signs `files/{id}/download` queries. `None` generates one.
    pub files_secret: Option<String>,
    /// The rate limits. `None` means no limits.
    pub rate_limits: Option<RateLimits>,
    /// How many predictions may be created before creates fail with status 402. `None` means no limit.
    pub credit: Option<u32>,
    /// How many real seconds a second of the emulated service takes; with 0.01, an hour takes 36 seconds. Applies to
    /// model run times, holds, deadlines, retention, webhook retries and idle streams.
    pub time_scale: f64,
    /// How long models take, by `owner/name`.
    pub timings: HashMap<String, Timing>,
    /// The number of items per page of every list. `None` uses the API's page sizes.
    pub page_size: Option<usize>,
    /// How long the input, output and logs of a finished prediction are kept.
    pub retention: Duration,
    /// How long an uploaded file is kept.
    pub file_lifetime: Duration,
    /// How long an event stream stays open without events.
    pub stream_idle: Duration,
    /// The minimum time between two `output` or `logs` webhooks of a prediction.
    pub webhook_throttle: Duration,
    /// The delays before each retry of a `completed` webhook.
    pub webhook_backoff: Vec<Duration>,
    /// Whether `Prefer: wait` holds until the prediction has finished. By default the hold ends when the output is
    /// complete, slightly earlier, while `status` is still `processing`.
    pub hold_until_finished: bool,
    /// The fault rules in force from the start.
    pub faults: Vec<Rule>,
    /// Models that a Cog server runs: `owner/name` and the URL of the server.
    pub cog_models: Vec<(String, String)>,
    /// Scripted models: `owner/name`, and the output, of which a list is emitted item by item.
    pub scripted_models: Vec<(String, Value)>,
    /// How many predictions and trainings are kept; the oldest that have ended are dropped first.
    pub keep_jobs: usize,
    /// How many received requests are kept for [`Emulator::requests_json`](crate::Emulator::requests_json).
    pub keep_requests: usize,
    /// How long predictions, trainings and received requests are kept.
    pub keep_for: Duration,
    /// The host names, beside those of loopback addresses, under which clients may reach the server; `*` for all.
    pub allowed_hosts: Vec<String>,
    /// The origins of web pages, beside those on loopback addresses, that may use the server; `*` for all.
    pub allowed_origins: Vec<String>,
    /// Also serves the API over HTTPS, on another port, with a certificate authority that exists only for this emulator:
    /// some clients take only `https:` URLs for files.
    pub tls: bool,
    /// Serves scripted exchanges only, without the API.
    pub replay_only: bool,
    /// Forwards requests to the API and stores the exchanges in this folder, without tokens and signatures.
    pub record: Option<PathBuf>,
    /// With `record`: the origin of the API, and other origins whose URLs in responses are recorded too. Without one,
    /// `https://api.replicate.com`.
    pub upstreams: Vec<String>,
    /// Plays the exchanges in this folder instead of emulating the API.
    pub replay: Option<PathBuf>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            port: 0,
            token: None,
            account: "acme".into(),
            webhook_secret: None,
            files_secret: None,
            rate_limits: None,
            credit: None,
            time_scale: 1.0,
            timings: HashMap::new(),
            page_size: None,
            retention: Duration::from_secs(3600),
            file_lifetime: Duration::from_secs(24 * 3600),
            stream_idle: Duration::from_secs(30),
            webhook_throttle: Duration::from_millis(500),
            webhook_backoff: [1, 2, 4, 8, 16, 30].map(Duration::from_secs).to_vec(),
            hold_until_finished: false,
            faults: Vec::new(),
            cog_models: Vec::new(),
            scripted_models: Vec::new(),
            keep_jobs: 50_000,
            keep_requests: 10_000,
            keep_for: Duration::from_secs(24 * 3600),
            allowed_hosts: Vec::new(),
            allowed_origins: Vec::new(),
            tls: false,
            replay_only: false,
            record: None,
            upstreams: Vec::new(),
            replay: None,
        }
    }
}

/// How long a model takes to run.
///
/// ```
/// use std::time::Duration;
/// use replicant_emulator::{Config, Timing};
///
/// let slow = Timing { cold_start: Duration::from_secs(60), run: Duration::from_secs(5) };
/// let timings = [("stability-ai/sdxl".to_owned(), slow)].into();
/// let config = Config { timings, time_scale: 0.01, ..Config::default() };
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Timing {
    /// The time in status `starting`.
    pub cold_start: Duration,
    /// The minimum time in status `processing`; the model's work may take longer.
    pub run: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self { cold_start: Duration::from_millis(15), run: Duration::from_millis(15) }
    }
}

/// Rate limits: requests per minute, and how many of them may arrive at once. The default is that of the API.
///
/// ```
/// use replicant_emulator::{Config, RateLimits};
///
/// let limits = RateLimits { creates_per_minute: 6, creates_burst: Some(1), ..RateLimits::default() };
/// let config = Config { rate_limits: Some(limits), ..Config::default() };
/// ```
#[derive(Clone, Copy, Debug)]
pub struct RateLimits {
    /// Prediction creates per minute.
    pub creates_per_minute: u32,
    /// All other requests per minute.
    pub others_per_minute: u32,
    /// How many creates may arrive at once. `None` means those of a minute.
    pub creates_burst: Option<u32>,
    /// How many other requests may arrive at once. `None` means those of a minute.
    pub others_burst: Option<u32>,
}

impl Default for RateLimits {
    fn default() -> Self {
        Self { creates_per_minute: 600, others_per_minute: 3000, creates_burst: None, others_burst: None }
    }
}
