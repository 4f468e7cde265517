//! Finds predictions whose creates were sent by a process that ended before it received the response.

use std::{
    collections::HashSet,
    time::{Duration, UNIX_EPOCH},
};

use futures_util::TryStreamExt;

use super::{
    checkpoint::{Checkpoint, Unknown},
    hash::Hash,
};
use crate::{
    client::{Client, page::List},
    error::Result,
    http::request::Request,
    identifier::Reference,
    value::Value,
};

/// How much the clocks of this machine and of the API may differ, in seconds.
const SKEW: f64 = 120.0;
/// How long after its intent a create may reach the API, in seconds. Includes retries.
const LATEST: f64 = 900.0;
const MAX_PAGES: usize = 1000;

/// Looks for the predictions of `unknown` rows in the list of recent predictions, and records those that it finds.
///
/// A prediction is that of a row if it has the model, the input and about the time of the create, and no other row has it. It
/// is not found if the API has removed its input, which it does after an hour, or if the API changed the input.
pub(super) async fn recover(
    client: &Client,
    reference: &Reference,
    checkpoint: &Checkpoint,
    mut unknown: Vec<Unknown>,
    mut taken: HashSet<Box<str>>,
) -> Result<()> {
    let Some(first) = unknown.iter().map(|row| row.time).min_by(f64::total_cmp) else { return Ok(()) };
    // Newest first, like the list.
    unknown.sort_by(|one, other| other.time.total_cmp(&one.time));
    let since = first - SKEW;
    let request = Request::get("/predictions").query("created_after", timestamp(since));
    let list: List<Value> = List::new(client, Ok(request));
    let mut pages = list.raw_pages();
    for _ in 0..MAX_PAGES {
        let Some(page) = pages.try_next().await? else { break };
        for prediction in page["results"].as_array().unwrap_or_default() {
            let Some(created) = prediction["created_at"].as_str().and_then(seconds) else { continue };
            if created < since {
                return Ok(());
            }
            let Some(id) = prediction["id"].as_str().filter(|id| !taken.contains(*id)) else { continue };
            if !is_of(reference, prediction) {
                continue;
            }
            let input = Hash::of(&prediction["input"]);
            let is_its =
                |row: &Unknown| row.sent == input && created > row.time - SKEW && created < row.time + LATEST;
            if let Some(at) = unknown.iter().position(is_its) {
                checkpoint.found(unknown.remove(at).key, id);
                taken.insert(id.into());
            }
            if unknown.is_empty() {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// Returns whether a prediction may be of a reference. A deployment's predictions name its model, which is not known here.
fn is_of(reference: &Reference, prediction: &Value) -> bool {
    match reference {
        Reference::Model { owner, name } => {
            prediction["model"].as_str().is_none_or(|model| model == format!("{owner}/{name}"))
        }
        Reference::Version { id, .. } => prediction["version"].as_str() == Some(id),
        Reference::Deployment { .. } => true,
    }
}

fn timestamp(seconds: f64) -> Option<String> {
    let time = UNIX_EPOCH.checked_add(Duration::try_from_secs_f64(seconds).ok()?)?;
    Some(humantime::format_rfc3339_seconds(time).to_string())
}

/// Parses a timestamp of the API, which is in UTC. Returns seconds since the Unix epoch.
fn seconds(timestamp: &str) -> Option<f64> {
    let timestamp = timestamp.strip_suffix("+00:00").unwrap_or(timestamp);
    let time = humantime::parse_rfc3339_weak(timestamp.trim_end_matches('Z')).ok()?;
    Some(time.duration_since(UNIX_EPOCH).ok()?.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps() {
        assert_eq!(timestamp(1_764_400_000.9).as_deref(), Some("2025-11-29T07:06:40Z"));
        for text in ["2025-11-29T07:06:40.5Z", "2025-11-29T07:06:40.500000+00:00", "2025-11-29T07:06:40.5"] {
            assert_eq!(seconds(text), Some(1_764_400_000.5), "{text}");
        }
        for text in ["", "yesterday", "2025-11-29T07:06:40+02:00", "0000-00-00T00:00:00Z"] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }
}
