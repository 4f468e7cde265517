//! Parses progress bars in logs.

use crate::value::{Value, parse_float};

/// The progress of a model, read from the last progress bar in its logs.
///
/// ```no_run
/// # async fn example(client: replicant::Client) -> replicant::Result<()> {
/// let prediction = client.predictions().get("4b2q8m").await?;
/// if let Some(progress) = prediction.progress() {
///     println!("{} of {}", progress.current, progress.total);
/// }
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Progress {
    /// Fraction done, `0.0..=1.0`.
    pub percentage: f64,
    /// Completed steps.
    pub current: u64,
    /// Total steps.
    pub total: u64,
}

impl Progress {
    /// Parses the last progress bar in `logs`, in the format of tqdm: ` 30%|███       | 3/10 [00:01<00:02]`.
    /// Returns `None` without a progress bar.
    pub fn parse(logs: &str) -> Option<Self> {
        // A bar is redrawn after a carriage return.
        logs.rsplit(['\n', '\r']).find_map(Self::parse_line)
    }

    pub(super) fn of(value: &Value) -> Option<Self> {
        Some(Self {
            percentage: value["percentage"].as_f64()?,
            current: value["current"].as_u64()?,
            total: value["total"].as_u64()?,
        })
    }

    pub(crate) fn to_value(self) -> Value {
        let Self { percentage, current, total } = self;
        Value::from_members(vec![
            ("percentage", percentage.into()),
            ("current", current.into()),
            ("total", total.into()),
        ])
    }

    fn parse_line(line: &str) -> Option<Self> {
        let (before, rest) = line.split_once('%')?;
        let digits = before.rsplit(|c: char| !c.is_ascii_digit() && c != '.').next()?;
        let percentage = parse_float(digits)?;
        let bar = rest.trim_start().strip_prefix('|')?;
        let (bar, counts) = bar.split_once('|')?;
        if bar.is_empty() {
            return None;
        }
        let counts = counts.trim_start();
        let (current, total) = counts.split_once('/')?;
        let total = &total[..total.find(|c: char| !c.is_ascii_digit()).unwrap_or(total.len())];
        Some(Self {
            percentage: percentage / 100.0,
            current: current.trim().parse().ok()?,
            total: total.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_the_last_bar() {
        let logs = "Using seed: 1\n  0%|          | 0/5 [00:00<?, ?it/s]\r 20%|██        | 1/5 [00:00<00:01, 21.38it/s]\n";
        assert_eq!(Progress::parse(logs), Some(Progress { percentage: 0.2, current: 1, total: 5 }));
        let done = format!("{logs} 99.5%|█████ | 199/200 [..]\nwriting files\n");
        assert_eq!(Progress::parse(&done), Some(Progress { percentage: 0.995, current: 199, total: 200 }));
    }

    #[test]
    fn a_bar_may_follow_any_character() {
        for before in ["é", "█", "🦩", "a"] {
            let bar = Progress::parse(&format!("{before}50%|##| 1/2")).unwrap();
            assert_eq!((bar.percentage, bar.total), (0.5, 2), "{before}");
        }
    }

    #[test]
    fn other_lines_are_ignored() {
        for logs in ["", "50% done", "50%|| 1/2", "%|##| 1/2", "a|b|1/2", "100%|##| x/y", "10%|##| 1/"] {
            assert_eq!(Progress::parse(logs), None, "{logs:?}");
        }
    }
}
