//! Reads a checkpoint.

use std::{
    collections::{HashMap, HashSet},
    fs::File,
    io::{self, BufRead, BufReader, Seek, SeekFrom},
    path::Path,
};

use super::{
    hash::Hash,
    records::{BEGINNING, Entry, FORMAT, Header, Record, State, Step, is_retryable, parse},
};
use crate::{
    error::{Error, ErrorKind, Result},
    native::without_code,
    predictions::snapshot::Snapshot,
};

/// What a checkpoint contains.
#[derive(Debug, Default)]
pub(super) struct Loaded {
    /// The header; `None` if the file is empty.
    pub header: Option<Header>,
    /// The rows, by the hash of their keys.
    pub rows: HashMap<Hash, Entry>,
    /// The ids of predictions that belong to a row.
    pub ids: HashSet<Box<str>>,
    /// The length without an incomplete last line, which a killed process leaves behind.
    pub length: u64,
}

/// Reads a file from its start. Passes the hash of the key and the line of each record to `each`.
pub(super) fn load(file: &mut File, path: &Path, mut each: impl FnMut(Hash, &[u8])) -> Result<Loaded> {
    let mut loaded = Loaded::default();
    let unreadable = |error: io::Error| unreadable(path, error);
    file.seek(SeekFrom::Start(0)).map_err(unreadable)?;
    let mut reader = BufReader::new(&*file);
    let (mut line, mut number) = (Vec::new(), 0u64);
    loop {
        line.clear();
        let length = reader.read_until(b'\n', &mut line).map_err(unreadable)? as u64;
        if line.last() != Some(&b'\n') {
            if number == 0 && !(line.starts_with(BEGINNING) || BEGINNING.starts_with(&line)) {
                // Not an incomplete header: the file belongs to something else.
                return Err(no_checkpoint(path));
            }
            return Ok(loaded);
        }
        number += 1;
        let damaged = |why: &dyn std::fmt::Display| {
            let message = format!(
                "`checkpoint`: line {number} of {} is damaged: {why}. Correct it, or use another file",
                path.display()
            );
            Error::invalid(message).about("checkpoint")
        };
        if number == 1 {
            loaded.header = Some(header(&line, path)?);
        } else {
            let record: Record = parse(&line).map_err(|error| damaged(&error))?;
            let key = loaded.add(record, length).map_err(|why| damaged(&why))?;
            each(key, &line);
        }
        loaded.length += length;
    }
}

fn header(line: &[u8], path: &Path) -> Result<Header> {
    let header: Header = parse(line).map_err(|_| no_checkpoint(path))?;
    if header.checkpoint != FORMAT {
        let message = format!(
            "`checkpoint`: {} has format {}, and this version reads format {FORMAT}; use the version that wrote it, {}",
            path.display(),
            header.checkpoint,
            header.sdk
        );
        return Err(Error::invalid(message).about("checkpoint"));
    }
    Ok(header)
}

fn no_checkpoint(path: &Path) -> Error {
    let message = format!("`checkpoint`: {} is not a checkpoint; use another file", path.display());
    Error::invalid(message).about("checkpoint")
}

pub(super) fn unreadable(path: &Path, error: io::Error) -> Error {
    let message = format!("cannot read the checkpoint {}: {}", path.display(), without_code(&error));
    Error::new(ErrorKind::FileNotFound, message).with_source(error)
}

impl Loaded {
    /// Applies a record of `length` bytes. Returns the hash of its key.
    fn add(&mut self, record: Record, length: u64) -> Result<Hash, &'static str> {
        let key = Hash::of_key(&record.key);
        let hash = |text: &Option<String>| text.as_deref().and_then(Hash::parse);
        let step = record.step.ok_or("`step` is missing")?;
        let Record { attempts, interrupted, .. } = record;
        match step {
            Step::Intent => {
                let input = hash(&record.input).ok_or("`input` is not a hash")?;
                let sent = hash(&record.sent).unwrap_or(input);
                let state =
                    State::Intent { sent, time: record.time.ok_or("`time` is missing")?, canceled: false };
                self.rows.insert(key, Entry { attempts, interrupted, input, state });
            }
            Step::Done => {
                let input = hash(&record.input).ok_or("`input` is not a hash")?;
                let length = u32::try_from(length).map_err(|_| "it is too long")?;
                self.ids.extend(record.prediction["id"].as_str().map(Box::from));
                let ended = Snapshot::new(record.prediction).into_success().and_then(Snapshot::with_output);
                let retryable = ended.is_err_and(|failure| is_retryable(&failure));
                let state = State::Done { offset: self.length, length, retryable };
                self.rows.insert(key, Entry { attempts, interrupted, input, state });
            }
            Step::Created => {
                let id: Box<str> = record.id.ok_or("`id` is missing")?.into();
                self.ids.insert(id.clone());
                self.row(key)?.state = State::Created { id, canceled: false };
            }
            Step::Released => {
                let row = self.row(key)?;
                row.state = State::Released;
                row.attempts = row.attempts.saturating_sub(1);
            }
            Step::Cancel => {
                // A row whose intent was not recorded has no prediction.
                if let Some(State::Intent { canceled, .. } | State::Created { canceled, .. }) =
                    self.rows.get_mut(&key).map(|row| &mut row.state)
                {
                    *canceled = true;
                }
            }
        }
        Ok(key)
    }

    fn row(&mut self, key: Hash) -> Result<&mut Entry, &'static str> {
        self.rows.get_mut(&key).ok_or("it is not preceded by an intent")
    }
}
