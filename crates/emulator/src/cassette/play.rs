//! Plays the exchanges of a cassette.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};
use std::sync::Mutex;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use indexmap::IndexMap;

use super::closest::closest;
use super::exchange::{Exchange, StoredResponse};
use super::json::{Layout, rewrite};
use super::scrub::{Scrubber, WEBHOOK_SECRET};
use super::shape::Shape;
use super::{Request, draft, urls};
use crate::http::problem::Problem;
use crate::support::lock;

/// A cassette that is played.
pub(crate) struct Player {
    folder: PathBuf,
    entries: Vec<Entry>,
    /// How many times each exchange has been played.
    played: Mutex<Vec<u32>>,
    /// The origins of the recorded URLs.
    origins: BTreeSet<String>,
    webhook_secret: String,
}

struct Entry {
    /// The name of the file.
    name: String,
    shape: Shape,
    response: StoredResponse,
    /// How many reads it stands for.
    times: u32,
}

impl Player {
    pub(super) fn open(folder: &Path, webhook_secret: &str) -> Result<Self, String> {
        let failed = |error| format!("cannot read the cassette {}: {error}", folder.display());
        let mut names = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name().to_string_lossy().into_owned();
            names.extend(name.ends_with(".json").then_some(name));
        }
        // By number, as five digits follow four.
        let number = |name: &String| name.split('-').next().and_then(|number| number.parse::<u64>().ok());
        names.sort_by_key(|name| (number(name), name.clone()));
        if names.is_empty() {
            return Err(format!(
                "the cassette {} has no exchanges; record some with `replicant-emulator record --to`",
                folder.display()
            ));
        }
        let mut origins = BTreeSet::new();
        let mut entries = Vec::new();
        for name in names {
            let entry = Entry::read(folder, &name, &mut origins);
            entries.push(entry.map_err(|error| format!("{}: {error}", folder.join(&name).display()))?);
        }
        let played = Mutex::new(vec![0; entries.len()]);
        let webhook_secret = webhook_secret.to_owned();
        Ok(Self { folder: folder.to_owned(), entries, played, origins, webhook_secret })
    }

    pub(super) fn rewind(&self) {
        lock(&self.played).fill(0);
    }

    /// Returns the response that was recorded for a request. Repeated requests get theirs in order; the last one repeats.
    pub(super) fn respond(&self, request: &Request) -> Result<Response, Problem> {
        let (stored, files) = draft::request(request, &Scrubber::new(request.token()), "");
        let content = |name: &str| {
            let file = files.iter().find(|(stored, _)| stored == name);
            file.map(|(_, bytes)| bytes.clone()).ok_or_else(String::new)
        };
        let got = Shape::new(&stored, content).map_err(Problem::bad_request)?;
        let differences: Vec<_> = self.entries.iter().map(|entry| entry.shape.differences(&got)).collect();
        let matching: Vec<_> = (0..self.entries.len()).filter(|at| differences[*at].is_empty()).collect();
        match self.choose(&matching) {
            Some(at) => self.play(&self.entries[at], request),
            None => Err(self.not_recorded(&got, differences)),
        }
    }

    /// Chooses one of the exchanges that match a request, and counts it.
    fn choose(&self, matching: &[usize]) -> Option<usize> {
        let mut played = lock(&self.played);
        let is_write_to_come = |at: usize| played[at] == 0 && self.entries[at].shape.method != "GET";
        let next = matching.iter().position(|at| played[*at] == 0).unwrap_or(matching.len());
        let last = next.checked_sub(1).map(|at| matching[at]);
        let chosen = match (last, matching.get(next).copied()) {
            // The response after a write would be early. The count ends this, should the program no longer write.
            (Some(last), Some(next))
                if played[last] < self.entries[last].times && (last..next).any(is_write_to_come) =>
            {
                Some(last)
            }
            (last, next) => next.or(last),
        };
        chosen.inspect(|at| played[*at] += 1)
    }

    fn not_recorded(&self, got: &Shape, differences: Vec<Vec<String>>) -> Problem {
        let shapes = self.entries.iter().map(|entry| &entry.shape);
        let hint = closest(shapes.zip(differences), got).map(|(at, differences)| {
            format!(" The closest recorded request is {}: {}.", self.entries[at].name, differences.join("; "))
        });
        Problem::bad_request(format!(
            "The cassette {} has no request {} {}.{}",
            self.folder.display(),
            got.method,
            got.path,
            hint.unwrap_or_default()
        ))
    }

    fn play(&self, entry: &Entry, request: &Request) -> Result<Response, Problem> {
        let local = &request.local;
        let serves = |origin: &str| urls::is_replicate(origin) || self.origins.contains(origin);
        let edit = |text: &str| match text {
            WEBHOOK_SECRET => self.webhook_secret.clone(),
            text => urls::to_local(text, local, serves),
        };
        let stored = &entry.response;
        let body = if let Some(json) = &stored.json {
            let edited = rewrite(json.get(), Layout::Compact, &mut |_, text| edit(text));
            Body::from(edited.unwrap_or_default())
        } else if let Some(events) = &stored.events {
            let last = request.headers.get("last-event-id").and_then(|id| id.to_str().ok());
            let seen = events.iter().position(|event| last.is_some() && event.id.as_deref() == last);
            let unseen = &events[seen.map_or(0, |at| at + 1)..];
            Body::from(unseen.iter().map(|event| edit(&event.wire())).collect::<String>())
        } else if let Some(file) = &stored.file {
            let read = read(&self.folder, file);
            Body::from(read.map_err(|error| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, error))?)
        } else {
            Body::from(stored.text.as_deref().map(edit).unwrap_or_default())
        };
        let status = StatusCode::from_u16(stored.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Ok((status, headers(&stored.headers, edit), body).into_response())
    }
}

impl Entry {
    fn read(folder: &Path, name: &str, origins: &mut BTreeSet<String>) -> Result<Self, String> {
        let text = std::fs::read_to_string(folder.join(name)).map_err(|error| error.to_string())?;
        let exchange: Exchange = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        origins.extend(urls::origin(&exchange.request.url));
        let shape = Shape::new(&exchange.request, |file| read(folder, file))?;
        let times = exchange.times.unwrap_or(1);
        Ok(Self { name: name.into(), shape, response: exchange.response, times })
    }
}

/// Reads a file of a cassette.
fn read(folder: &Path, file: &str) -> Result<Bytes, String> {
    let path = Path::new(file);
    if !path.components().all(|part| matches!(part, Component::Normal(_))) {
        return Err(format!("{file:?} does not lie in the folder of the cassette"));
    }
    let path = folder.join(path);
    std::fs::read(&path).map(Bytes::from).map_err(|error| format!("cannot read {}: {error}", path.display()))
}

/// Returns the headers of a stored response.
pub(super) fn headers(stored: &IndexMap<String, String>, edit: impl Fn(&str) -> String) -> HeaderMap {
    let header = |(name, value): (&String, &String)| {
        Some((HeaderName::try_from(name).ok()?, HeaderValue::try_from(edit(value)).ok()?))
    };
    stored.iter().filter_map(header).collect()
}
