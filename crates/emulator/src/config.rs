//! What a caller can choose.

use std::collections::HashMap;
use std::time::Duration;

use crate::fault::Rule;

/// How an [`Emulator`](crate::Emulator) behaves. The default suits tests: any token is accepted, nothing is
/// limited, models take milliseconds.
///
/// ```
/// use replicant_emulator::{Config, RateLimits};
///
/// let config = Config {
///     token: Some("r8_secret".into()),
///     rate_limits: Some(RateLimits { burst: 1, ..RateLimits::default() }),
///     ..Config::default()
/// };
/// ```
#[derive(Clone, Debug)]
pub struct Config {
    /// Port of the API on 127.0.0.1; 0 picks a free one.
    pub port: u16,
    /// The only token accepted. `None` accepts any token, and requests without one.
    pub token: Option<String>,
    /// Name of the account the token belongs to.
    pub account: String,
    /// The secret that signs webhooks (`whsec_` and base64). `None` makes one up.
    pub webhook_secret: Option<String>,
    /// The secret that signs `files/{id}/download` queries. `None` makes one up.
    pub files_secret: Option<String>,
    /// Rate limits. `None` limits nothing.
    pub rate_limits: Option<RateLimits>,
    /// How many predictions may be created before the answer is 402. `None` never runs out.
    pub credit: Option<u32>,
    /// Real seconds to a second of the emulated service; 0.01 makes an hour pass in 36 seconds. Applies to model
    /// run times, holds, deadlines, retention, webhook retries and idle streams.
    pub time_scale: f64,
    /// Cold start and run time of models, by `owner/name`.
    pub timings: HashMap<String, Timing>,
    /// Items to a page, for every list. `None` gives each list the API's own size.
    pub page_size: Option<usize>,
    /// How long inputs, outputs and logs of a finished prediction are kept.
    pub retention: Duration,
    /// How long an uploaded file is kept.
    pub file_lifetime: Duration,
    /// How long an event stream stays open with nothing to send.
    pub stream_idle: Duration,
    /// The shortest time between two `output` or `logs` webhooks of a prediction.
    pub webhook_throttle: Duration,
    /// The pauses before the second, third ... attempt to deliver a `completed` webhook.
    pub webhook_backoff: Vec<Duration>,
    /// Whether `Prefer: wait` holds until the prediction has finished. Otherwise it answers as soon as the output
    /// is complete, which is a moment earlier: `status` is then still `processing`.
    pub hold_until_finished: bool,
    /// Faults in force from the start.
    pub faults: Vec<Rule>,
    /// Models run by a Cog server instead of in here: `owner/name` to the server's address.
    pub cog_models: Vec<(String, String)>,
    /// Serves scripted exchanges only, no API.
    pub replay_only: bool,
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
            replay_only: false,
        }
    }
}

/// How long a model takes.
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
    /// Time spent `starting`.
    pub cold_start: Duration,
    /// The least time spent `processing`; a model that has real work to do may take longer.
    pub run: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self { cold_start: Duration::from_millis(15), run: Duration::from_millis(15) }
    }
}

/// Requests allowed per minute, and how many of them may come at once.
///
/// ```
/// use replicant_emulator::{Config, RateLimits};
///
/// let limits = RateLimits { creates_per_minute: 6, burst: 1, ..RateLimits::default() };
/// let config = Config { rate_limits: Some(limits), ..Config::default() };
/// ```
#[derive(Clone, Copy, Debug)]
pub struct RateLimits {
    /// Creations of predictions per minute.
    pub creates_per_minute: u32,
    /// All other requests per minute.
    pub others_per_minute: u32,
    /// How many requests of a kind may come at once.
    pub burst: u32,
}

impl Default for RateLimits {
    fn default() -> Self {
        Self { creates_per_minute: 600, others_per_minute: 3000, burst: 60 }
    }
}
