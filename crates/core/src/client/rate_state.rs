//! What a client has learned about the rate limits of the API.

use std::time::Duration;

use crate::value::Value;

/// The rate limits of a client; see [`Client::rate_limit`](super::Client::rate_limit).
///
/// ```
/// # fn main() -> replicant::Result<()> {
/// let client = replicant::Client::from_env()?;
/// if let Some(limits) = client.rate_limit() {
///     println!("{} creates wait for {:?}", limits.creates.waiting, limits.creates.paused);
/// }
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct RateLimits {
    /// Creates of predictions.
    pub creates: RateLimitState,
    /// Reads of a single prediction.
    pub polls: RateLimitState,
    /// All other requests.
    pub others: RateLimitState,
}

/// The state of one rate limit.
///
/// ```
/// # fn main() -> replicant::Result<()> {
/// let creates = replicant::Client::from_env()?.rate_limit().map(|limits| limits.creates);
/// println!("{:?} creates a minute", creates.and_then(|creates| creates.per_minute));
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct RateLimitState {
    /// Maximum number of requests per minute. `None` while nothing limits them.
    pub per_minute: Option<f64>,
    /// Number of requests left, as last reported by the API.
    pub remaining: Option<u64>,
    /// Time until requests continue after a 429.
    pub paused: Duration,
    /// Number of requests that wait.
    pub waiting: usize,
}

impl RateLimits {
    /// Returns the members as an object, for the bindings. Durations are in seconds.
    #[doc(hidden)]
    pub fn to_value(self) -> Value {
        let state = |state: RateLimitState| {
            Value::from_members([
                ("per_minute", state.per_minute.into()),
                ("remaining", state.remaining.into()),
                ("paused", state.paused.as_secs_f64().into()),
                ("waiting", state.waiting.into()),
            ])
        };
        Value::from_members([
            ("creates", state(self.creates)),
            ("polls", state(self.polls)),
            ("others", state(self.others)),
        ])
    }
}
