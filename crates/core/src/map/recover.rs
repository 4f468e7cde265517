//! Finds predictions whose creates were sent by a process that ended before it received the response.

use std::collections::HashSet;

use futures_util::TryStreamExt;

use super::{
    checkpoint::{Checkpoint, Unknown},
    hash::Hash,
};
use crate::{
    client::{
        Client,
        page::List,
        waiting::{format_moment, parse_moment},
    },
    error::Result,
    http::request::{Request, RequestOptions},
    identifier::Reference,
    value::Value,
};

/// How much the clocks of this machine and of the API may differ, in seconds.
const SKEW: f64 = 120.0;
/// How long after its intent a create may reach the API, in seconds. Includes retries.
const LATEST: f64 = 900.0;
const MAX_PAGES: usize = 1000;
/// The number of microseconds in a second.
const MICROSECONDS: f64 = 1e6;

/// Looks for the predictions of `unknown` rows in the list of recent predictions, and records those that it finds.
///
/// A prediction is that of a row if it has the model, the input and about the time of the create, and no other row has it. It
/// is not found if the API has removed its input, which it does after an hour, or if the API changed the input.
pub(super) async fn recover(
    client: &Client,
    options: &RequestOptions,
    reference: &Reference,
    checkpoint: &Checkpoint,
    mut unknown: Vec<Unknown>,
    mut taken: HashSet<Box<str>>,
) -> Result<()> {
    let Some(first) = unknown.iter().map(|row| row.time).min_by(f64::total_cmp) else { return Ok(()) };
    // Newest first, like the list.
    unknown.sort_by(|one, other| other.time.total_cmp(&one.time));
    let since = first - SKEW;
    let created_after = format_moment((since * MICROSECONDS) as u64);
    let request = Request::get("/predictions").query("created_after", Some(created_after));
    let list: List<Value> = List::new(client, Ok(request)).with_options(options.clone());
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

/// Returns `true` if a prediction may be of a reference. A deployment's predictions name its model, which is not known here.
fn is_of(reference: &Reference, prediction: &Value) -> bool {
    match reference {
        Reference::Model { owner, name } => {
            prediction["model"].as_str().is_none_or(|model| model == format!("{owner}/{name}"))
        }
        Reference::Version { id, .. } => prediction["version"].as_str() == Some(id),
        Reference::Deployment { .. } => true,
    }
}

/// Parses a timestamp of the API. Returns seconds since the Unix epoch.
fn seconds(timestamp: &str) -> Option<f64> {
    Some(parse_moment(timestamp)? as f64 / MICROSECONDS)
}
