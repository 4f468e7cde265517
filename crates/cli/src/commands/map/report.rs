//! The progress and the summary of `replicant map`.

use std::{fmt::Write as _, time::Duration};

use replicant::{
    Value,
    map::{MapStats, Stopped},
};

/// Returns the line that shows the progress.
pub(super) fn progress(stats: &MapStats, total: Option<u64>) -> String {
    let finished = stats.finished();
    let mut line = match total {
        Some(total) => {
            format!("{finished}/{total}, {} %", (finished * 100).checked_div(total).unwrap_or(100))
        }
        None => format!("{finished} finished"),
    };
    let _ = write!(line, ", {} failed, {:.0}/min", stats.failed, stats.per_minute());
    if let Some(left) = total.and_then(|total| stats.remaining(total)) {
        let _ = write!(line, ", {} left", duration(left));
    }
    line
}

fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

/// Returns the counts of a batch that has ended, as a sentence.
pub(super) fn summary(stats: &MapStats, total: Option<u64>) -> String {
    let MapStats { succeeded, failed, resumed, predictions, seconds, elapsed, .. } = *stats;
    let rows = match total {
        Some(total) => format!("{} of {total}", stats.finished()),
        None => stats.finished().to_string(),
    };
    let mut text = format!("{rows} rows in {}: {succeeded} succeeded, {failed} failed", duration(elapsed));
    if resumed > 0 {
        let _ = write!(text, ", {resumed} from the checkpoint");
    }
    let _ = write!(text, "; {predictions} predictions, {seconds:.1} s of predict time");
    match stats.stopped {
        Some(Stopped::MaxPredictions) => text.push_str("; stopped by `--max-predictions`"),
        Some(Stopped::MaxSeconds) => text.push_str("; stopped by `--max-seconds`"),
        Some(Stopped::ErrorRate) => text.push_str("; stopped by `--max-error-rate`"),
        _ => {}
    }
    text
}

/// Returns the counts of a batch that has ended, as JSON.
pub(super) fn summary_json(stats: &MapStats, total: Option<u64>) -> Value {
    Value::from_members([
        ("rows", stats.finished().into()),
        ("total", total.into()),
        ("succeeded", stats.succeeded.into()),
        ("failed", stats.failed.into()),
        ("resumed", stats.resumed.into()),
        ("predictions", stats.predictions.into()),
        ("seconds", stats.seconds.into()),
        ("elapsed", stats.elapsed.as_secs_f64().into()),
        ("stopped", stats.stopped.map(Stopped::name).into()),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_two_units() {
        for (seconds, text) in [(59, "59 s"), (61, "1 min 1 s"), (3600, "1 h 0 min"), (90_000, "25 h 0 min")]
        {
            assert_eq!(duration(Duration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn progress_without_rows_is_a_line() {
        assert_eq!(progress(&MapStats::default(), Some(0)), "0/0, 100 %, 0 failed, 0/min");
        assert_eq!(progress(&MapStats::default(), None), "0 finished, 0 failed, 0/min");
    }
}
