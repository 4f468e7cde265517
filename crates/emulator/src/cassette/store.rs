//! Writes the files of a cassette.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::draft::{FILES, NewFiles};
use super::exchange::Exchange;
use super::json::{Layout, rewrite};
use crate::support::lock;

/// The folder of a cassette that is recorded.
pub(super) struct Store {
    folder: PathBuf,
    count: AtomicUsize,
    /// The last read of each URL, to recognize polls without news.
    reads: Mutex<HashMap<String, Read>>,
}

struct Read {
    response: String,
    number: usize,
    times: u32,
}

impl Store {
    /// Creates the folder, which must not have exchanges.
    pub(super) fn create(folder: &Path) -> Result<Self, String> {
        let failed = |error| format!("cannot create the cassette {}: {error}", folder.display());
        std::fs::create_dir_all(folder).map_err(failed)?;
        for entry in std::fs::read_dir(folder).map_err(failed)? {
            if entry.map_err(failed)?.path().extension().is_some_and(|extension| extension == "json") {
                return Err(format!(
                    "the cassette {} has exchanges already; delete it or name another folder",
                    folder.display()
                ));
            }
        }
        Ok(Self { folder: folder.to_owned(), count: AtomicUsize::new(0), reads: Mutex::default() })
    }

    /// Returns the number of the next exchange.
    pub(super) fn next(&self) -> usize {
        self.count.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Writes an exchange and its files. A poll whose response is that of the previous one is only counted there.
    pub(super) fn save(
        &self,
        mut number: usize,
        exchange: &mut Exchange,
        files: &NewFiles,
    ) -> Result<(), String> {
        let request = &exchange.request;
        let encode = |part: serde_json::Result<String>| part.expect("an exchange encodes as JSON");
        // Until the file is written, so that its count is the last one.
        let mut reads = lock(&self.reads);
        if request.method == "GET" && files.is_empty() && exchange.response.events.is_none() {
            let response = encode(serde_json::to_string(&exchange.response));
            match reads.get_mut(&request.url).filter(|last| last.response == response) {
                Some(last) => {
                    last.times += 1;
                    number = last.number;
                    exchange.times = Some(last.times);
                }
                None => drop(reads.insert(request.url.clone(), Read { response, number, times: 1 })),
            }
        }
        let text = encode(serde_json::to_string(exchange));
        let text = rewrite(&text, Layout::Indented, &mut |_, text| text.to_owned()).unwrap_or(text);
        let mut writes = vec![(file_name(number, exchange), text.into_bytes())];
        writes.extend(files.iter().map(|(name, bytes)| (name.clone(), bytes.to_vec())));
        if !files.is_empty() {
            std::fs::create_dir_all(self.folder.join(FILES)).map_err(|error| self.failed(FILES, &error))?;
        }
        for (name, bytes) in writes {
            std::fs::write(self.folder.join(&name), bytes).map_err(|error| self.failed(&name, &error))?;
        }
        Ok(())
    }

    fn failed(&self, name: &str, error: &std::io::Error) -> String {
        format!("cannot write {}: {error}", self.folder.join(name).display())
    }
}

/// Returns a name such as `0001-post-v1-predictions.json`.
fn file_name(number: usize, exchange: &Exchange) -> String {
    let url = &exchange.request.url;
    let target = url.split_once("://").map_or(&**url, |(_, rest)| rest);
    let path = target.find('/').map_or("", |at| &target[at..]);
    let words = path.split(|c: char| !c.is_ascii_alphanumeric() && c != '.' && c != '_');
    let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
    let mut slug = format!("{}-{}", exchange.request.method.to_ascii_lowercase(), words.join("-"));
    slug.truncate(70);
    format!("{number:04}-{}.json", slug.trim_end_matches(['-', '.']))
}
