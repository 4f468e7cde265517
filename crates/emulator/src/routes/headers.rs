//! The request headers `Prefer` and `Cancel-After`.

use std::time::Duration;

use axum::http::StatusCode;

use crate::http::problem::Problem;
use crate::support::duration::seconds;

const LONGEST_HOLD: u64 = 60;
const MIN_CANCEL_AFTER: u64 = 5;
const MAX_CANCEL_AFTER: u64 = 24 * 3600;

/// Returns how long to hold a response. Undocumented values are an assumption: more than a minute holds for a
/// minute, and other values are ignored.
pub(super) fn hold(prefer: &str) -> Option<Duration> {
    let seconds = match prefer.trim() {
        "wait" => LONGEST_HOLD,
        text => text.strip_prefix("wait=")?.parse().ok().filter(|seconds| *seconds > 0)?,
    };
    Some(Duration::from_secs(seconds.min(LONGEST_HOLD)))
}

/// Parses the time after which a prediction is canceled: `90`, `90s`, `1m30s`, `1h30m45s`.
pub(super) fn cancel_after(text: &str) -> Result<Duration, Problem> {
    let problem = |why: &str| {
        let detail = format!("The Cancel-After header {text:?} {why}");
        Problem::new(StatusCode::BAD_REQUEST, detail)
    };
    let seconds =
        seconds(text.trim()).ok_or_else(|| problem("is not a duration such as 90, 90s, 1m30s or 1h."))?;
    if seconds < MIN_CANCEL_AFTER {
        return Err(problem("is too short: the minimum is 5 seconds."));
    }
    if seconds > MAX_CANCEL_AFTER {
        return Err(problem("is too long: the maximum is 24 hours."));
    }
    Ok(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_are_at_most_a_minute() {
        assert_eq!(hold("wait"), Some(Duration::from_secs(60)));
        assert_eq!(hold("wait=7"), Some(Duration::from_secs(7)));
        assert_eq!(hold("wait=90"), Some(Duration::from_secs(60)));
        assert_eq!((hold("wait=0"), hold("respond-async")), (None, None));
    }
}
