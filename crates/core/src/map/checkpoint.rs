//! The checkpoint of a batch: a file to which each step of a row is appended before or after it is taken.
//!
//! An intent is on disk before its create is sent, and a result before it is returned. A process that is killed thus
//! leaves behind which predictions exist or may exist.

use std::{
    collections::{HashMap, HashSet},
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    process,
    sync::{Arc, Mutex, Weak},
};

use tokio::sync::oneshot;

use super::{
    hash::Hash,
    load::{load, unreadable},
    options::MapOptions,
    records::{Entry, FORMAT, Header, HeaderOptions, Record, State, line, parse},
    row::Numbered,
};
use crate::{
    error::{Error, ErrorKind, Result},
    native::{sync_folder, without_code},
    platform::{PerProcess, lock, run_blocking},
};

/// An open checkpoint, which no other process can open.
#[derive(Clone)]
pub(super) struct Checkpoint(Arc<Inner>);

struct Inner {
    path: PathBuf,
    /// The process that locked the file.
    owner: u32,
    /// `None` once it is closed.
    file: Mutex<Option<File>>,
    /// The file once more, opened to lock it. A child cannot close `file` if it was forked while a thread wrote. `None` on
    /// Windows, where opening the file locks it.
    locked: Mutex<Option<File>>,
    writes: Mutex<Writes>,
    /// The rows of earlier processes that were not read yet.
    rows: Mutex<HashMap<Hash, Entry>>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.close();
    }
}

/// The checkpoints of this process.
static OPEN: PerProcess<Mutex<Vec<Weak<Inner>>>> = PerProcess::new();

/// Unlocks the checkpoints of the parent in a forked child, which would keep them locked after the end of its parent.
pub fn close_in_child() {
    // Only if no thread of the parent held a mutex at the fork: in the child, nobody would release it. Threads hold these
    // for a moment only.
    let Some(Ok(open)) = OPEN.of_parent().map(Mutex::try_lock) else { return };
    for checkpoint in open.iter().filter_map(Weak::upgrade) {
        if let Ok(mut locked) = checkpoint.locked.try_lock() {
            drop(locked.take());
        }
    }
}

/// Receives whether a line was written.
type Waiting = oneshot::Sender<Result<(), String>>;

/// Lines that are waiting to be written. One task writes and syncs all that have arrived, because a sync takes long.
#[derive(Default)]
struct Writes {
    lines: Vec<u8>,
    waiting: Vec<Waiting>,
    /// Whether a task is writing.
    busy: bool,
    /// Why no more is written: after a failed write, the end of the file is unknown.
    failed: Option<String>,
}

/// A checkpoint that was opened.
pub(super) struct Opened {
    pub checkpoint: Checkpoint,
    /// The rows whose creates may have been processed.
    pub unknown: Vec<Unknown>,
    /// The ids of the predictions of other rows.
    pub ids: HashSet<Box<str>>,
}

/// A row whose create may have been processed.
pub(super) struct Unknown {
    pub key: Hash,
    pub sent: Hash,
    pub time: f64,
}

impl Checkpoint {
    /// Opens or creates a file for batches of `model`. Fails with a conflict if another batch uses it.
    pub async fn open(path: PathBuf, model: String, options: HeaderOptions) -> Result<Opened> {
        let opened = run_blocking(move || Self::open_now(path, &model, options)).await;
        opened.map_err(Error::background_failed)?
    }

    fn open_now(path: PathBuf, model: &str, options: HeaderOptions) -> Result<Opened> {
        let known = path.metadata();
        if known.as_ref().is_ok_and(|known| !known.is_file()) {
            let problem = format!("is a folder or a device: {}; pass the path of a file", path.display());
            return Err(Error::invalid_argument("checkpoint", problem));
        }
        let is_new = known.is_err();
        let mut opening = OpenOptions::new();
        // On Windows, a file that is opened to append cannot be cut.
        opening.read(true).write(true).append(cfg!(not(windows))).create(true).truncate(false);
        let (mut file, locked) = match open_locked(&path, &mut opening) {
            Ok(file) if cfg!(windows) => (file, None),
            Ok(locked) => (opening.open(&path).map_err(|error| unwritable(&path, &error))?, Some(locked)),
            Err(TryLockError::WouldBlock) => return Err(Error::new(ErrorKind::Conflict, "it is in use")),
            Err(TryLockError::Error(error)) => return Err(unwritable(&path, &error)),
        };
        let loaded = load(&mut file, &path, |_, _| {})?;
        match &loaded.header {
            Some(header) => {
                check_header(header, model, options, &path)?;
                file.set_len(loaded.length).map_err(|error| unwritable(&path, &error))?;
            }
            None => {
                let header = Header {
                    checkpoint: FORMAT,
                    model: model.to_owned(),
                    sdk: env!("CARGO_PKG_VERSION").to_owned(),
                    options: Some(options),
                };
                let emptied = file.set_len(0).and_then(|()| file.rewind());
                let written = emptied.and_then(|()| file.write_all(line(&header).as_bytes()));
                let synced = written.and_then(|()| file.sync_all());
                let synced = synced.and_then(|()| if is_new { sync_folder(&path) } else { Ok(()) });
                synced.map_err(|error| unwritable(&path, &error))?;
            }
        }
        let unknown = loaded.rows.iter().filter_map(|(key, entry)| match entry.state {
            State::Intent { sent, time, .. } => Some(Unknown { key: *key, sent, time }),
            _ => None,
        });
        let unknown = unknown.collect();
        let inner = Inner {
            path,
            owner: process::id(),
            file: Mutex::new(Some(file)),
            locked: Mutex::new(locked),
            writes: Mutex::default(),
            rows: Mutex::new(loaded.rows),
        };
        let inner = Arc::new(inner);
        let mut open = lock(OPEN.get());
        open.retain(|checkpoint| checkpoint.strong_count() > 0);
        open.push(Arc::downgrade(&inner));
        Ok(Opened { checkpoint: Self(inner), unknown, ids: loaded.ids })
    }

    /// Records that a prediction belongs to a row.
    pub fn found(&self, key: Hash, id: &str) {
        if let Some(entry) = lock(&self.0.rows).get_mut(&key) {
            let canceled = matches!(entry.state, State::Intent { canceled: true, .. });
            entry.state = State::Created { id: id.into(), canceled };
        }
    }

    /// Takes what is known of a row.
    ///
    /// # Errors
    /// If an earlier batch had another row in its position, or a prediction for its key and another input.
    pub fn take(&self, row: &Numbered, options: &MapOptions) -> Result<Option<Entry>> {
        let entry = lock(&self.0.rows).remove(&Hash::of_text(row.label()));
        let Some(entry) = entry.map(|entry| entry.with_retries(options.retries)) else { return Ok(None) };
        let (index, path) = (row.index, self.0.path.display());
        if entry.input == row.hash || (row.keyed && entry.needs_prediction(options.retry_unknown)) {
            return Ok(Some(entry));
        }
        // Returning the earlier output would be wrong, and another prediction would be billed.
        Err(if row.keyed {
            let problem = format!(
                "of row {index} is {}, which had another input in {path}. Pass another key to run the new input, or use \
                 another checkpoint",
                row.name
            );
            Error::invalid_argument("key", problem)
        } else {
            let problem = format!(
                "belongs to other rows: row {index} had another input in {path}. Pass keys that identify the rows, or use \
                 another file"
            );
            Error::invalid_argument("checkpoint", problem)
        })
    }

    /// Forgets the rows that were not taken and need a prediction.
    pub fn keep_results(&self, options: &MapOptions) {
        lock(&self.0.rows).retain(|_, entry| {
            !entry.clone().with_retries(options.retries).needs_prediction(options.retry_unknown)
        });
    }

    /// Returns the number of rows that were not taken.
    pub fn rows_left(&self) -> usize {
        lock(&self.0.rows).len()
    }

    /// Reads a finished row.
    pub async fn read(&self, offset: u64, length: u32) -> Result<Record> {
        let this = self.0.clone();
        let read = run_blocking(move || {
            let mut bytes = vec![0; length as usize];
            let read = this.with_file(|file| {
                // Writes seek the end first.
                file.seek(SeekFrom::Start(offset))?;
                file.read_exact(&mut bytes)
            });
            read.map_err(|error| unreadable(&this.path, error))?;
            parse(&bytes).map_err(|error| {
                unreadable(&this.path, io::Error::new(io::ErrorKind::InvalidData, error.to_string()))
            })
        });
        read.await.map_err(Error::background_failed)?
    }

    /// Appends a record. It is on disk when this returns.
    pub async fn append(&self, record: &Record) -> Result<()> {
        let (sender, receiver) = oneshot::channel();
        let begin = {
            let mut writes = lock(&self.0.writes);
            if let Some(why) = &writes.failed {
                return Err(self.failed(why));
            }
            writes.lines.extend_from_slice(line(record).as_bytes());
            writes.waiting.push(sender);
            !std::mem::replace(&mut writes.busy, true)
        };
        if begin {
            let this = self.0.clone();
            // Not awaited: it continues if the caller is dropped, and writes the lines of others too.
            drop(run_blocking(move || this.write_all()));
        }
        match receiver.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(why)) => Err(self.failed(&why)),
            Err(_) => Err(self.failed("the runtime shut down")),
        }
    }

    /// Closes the file, so that another batch can open it. Later records are lost.
    pub fn close(&self) {
        self.0.close();
    }

    fn failed(&self, why: &str) -> Error {
        let message = format!("cannot write the checkpoint {}: {why}", self.0.path.display());
        Error::new(ErrorKind::FileNotWritten, message).with_never_sent()
    }
}

impl Inner {
    fn with_file<T>(&self, work: impl FnOnce(&mut File) -> io::Result<T>) -> io::Result<T> {
        lock(&self.file).as_mut().map_or_else(|| Err(io::Error::other("its batch has ended")), work)
    }

    fn close(&self) {
        // In a child, nobody would release a mutex that a thread of the parent held at the fork.
        if self.owner != process::id() {
            return;
        }
        drop(lock(&self.file).take());
        // Also for the children that were forked meanwhile, which have it open too.
        if let Some(locked) = lock(&self.locked).take() {
            // Some network file systems have no locks.
            let _ = locked.unlock();
        }
    }

    /// Writes lines until none are left. Drops its reference to the file before it says so: the caller may delete the file.
    fn write_all(self: Arc<Self>) {
        let mut written_before = Vec::new();
        loop {
            let next = {
                let mut writes = lock(&self.writes);
                writes.busy = !writes.lines.is_empty();
                writes.busy.then(|| (std::mem::take(&mut writes.lines), std::mem::take(&mut writes.waiting)))
            };
            let Some((lines, waiting)) = next else {
                drop(self);
                tell(written_before);
                return;
            };
            tell(std::mem::take(&mut written_before));
            let written = {
                self.with_file(|file| {
                    let end = file.seek(SeekFrom::End(0))?;
                    let written = file.write_all(&lines).and_then(|()| file.sync_data());
                    // A part of them would say that creates were sent.
                    written.inspect_err(|_| drop(file.set_len(end)))
                })
            };
            let written = written.map_err(|error| error.to_string());
            if let Err(why) = &written {
                let mut writes = lock(&self.writes);
                writes.failed = Some(why.clone());
                writes.lines.clear();
                // Lines that arrived meanwhile fail with the same error.
                let later = std::mem::take(&mut writes.waiting);
                later.into_iter().for_each(|waiting| drop(waiting.send(Err(why.clone()))));
            }
            written_before.extend(waiting.into_iter().map(|waiting| (waiting, written.clone())));
        }
    }
}

fn tell(written: Vec<(Waiting, Result<(), String>)>) {
    written.into_iter().for_each(|(waiting, result)| drop(waiting.send(result)));
}

/// Checks that a file belongs to batches of `model` with these options.
fn check_header(header: &Header, model: &str, options: HeaderOptions, path: &Path) -> Result<()> {
    let path = path.display();
    if header.model != model {
        let other = &header.model;
        let problem = format!(
            "belongs to another batch: {path} has results of {other}, not of {model}; use another file"
        );
        return Err(Error::invalid_argument("checkpoint", problem));
    }
    if let Some(earlier) = header.options
        && earlier != options
    {
        let (outputs, advice) = match earlier.save_to {
            true => ("paths of saved files", "pass `save_to`"),
            false => ("URLs of files", "omit `save_to`"),
        };
        let problem = format!(
            "belongs to a batch with other options: the outputs in {path} have {outputs}; {advice}, or use another file"
        );
        return Err(Error::invalid_argument("checkpoint", problem));
    }
    Ok(())
}

/// Opens a file that other processes can read meanwhile, but not open for writing with this function.
pub(super) fn open_locked(path: &Path, options: &mut OpenOptions) -> Result<File, TryLockError> {
    #[cfg(windows)]
    {
        const FILE_SHARE_READ: u32 = 1;
        const ERROR_SHARING_VIOLATION: i32 = 32;
        // A lock would also keep others from reading.
        let opened = std::os::windows::fs::OpenOptionsExt::share_mode(options, FILE_SHARE_READ).open(path);
        opened.map_err(|error| match error.raw_os_error() {
            Some(ERROR_SHARING_VIOLATION) => TryLockError::WouldBlock,
            _ => TryLockError::Error(error),
        })
    }
    #[cfg(not(windows))]
    {
        let file = options.open(path).map_err(TryLockError::Error)?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => Err(TryLockError::WouldBlock),
            // Some network file systems have no locks.
            _ => Ok(file),
        }
    }
}

pub(super) fn unwritable(path: &Path, error: &io::Error) -> Error {
    let message = format!("cannot write the checkpoint {}: {}", path.display(), without_code(error));
    Error::new(ErrorKind::FileNotWritten, message).about("checkpoint")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{map::records::Step, value::Value};

    /// Returns a checkpoint whose file cannot be written.
    fn unwritable_checkpoint() -> Checkpoint {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
        let file = Mutex::new(Some(File::open(&path).unwrap()));
        Checkpoint(Arc::new(Inner {
            path,
            owner: process::id(),
            file,
            locked: Mutex::default(),
            writes: Mutex::default(),
            rows: Mutex::default(),
        }))
    }

    #[tokio::test]
    async fn a_failed_write_fails_all_that_follow() {
        let checkpoint = unwritable_checkpoint();
        let record = |key: i64| Record::new(Step::Intent, &Value::from(key));
        let (one, other) = (record(1), record(2));
        let (one, other) = tokio::join!(checkpoint.append(&one), checkpoint.append(&other));
        for error in [one.unwrap_err(), other.unwrap_err(), checkpoint.append(&record(3)).await.unwrap_err()]
        {
            assert_eq!(error.kind(), ErrorKind::FileNotWritten, "{error}");
            assert!(error.never_sent(), "its create is not sent");
        }
    }
}
