//! The pause between two polls of a prediction.

use std::time::Duration;

const MAX_PAUSE: Duration = Duration::from_secs(15);
const MIN_PAUSE: Duration = Duration::from_millis(100);
/// The pause if a webhook will announce the end.
const ANNOUNCED_PAUSE: Duration = Duration::from_secs(30);

/// What the pauses between the polls of a prediction depend on, besides time.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Hints {
    /// How long the model usually runs.
    pub usual: Option<Duration>,
    /// Whether a webhook will announce the end.
    pub announced: bool,
}

/// Returns the pause before the next poll.
///
/// A tenth of the time already waited, so that the end of a short run is noticed quickly and a long run costs few
/// requests; a sixth before it has started, because starting takes long. If the usual run time of the model is
/// known, one poll follows shortly after it. If a webhook will announce the end, polls only find out that it was lost.
pub(crate) fn adaptive_pause(waited: Duration, status: &str, hints: Hints, random: f64) -> Duration {
    if hints.announced {
        return ANNOUNCED_PAUSE.mul_f64(0.9 + random / 5.0);
    }
    let share = if status == "starting" { 6.0 } else { 10.0 };
    let pause = (MIN_PAUSE + waited.div_f64(share)).min(MAX_PAUSE).mul_f64(0.9 + random / 5.0);
    match hints.usual.and_then(|usual| usual.checked_sub(waited)) {
        Some(left) if left < pause => pause.min(left + MIN_PAUSE),
        _ => pause,
    }
}
