//! A folder of checkpoints, one for each of the batches into which another program cuts the rows.

use std::{
    collections::HashMap,
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock},
};

use super::{
    checkpoint::{open_locked, unwritable},
    hash::Hash,
    load::{Loaded, load, unreadable},
    records::{Entry, line},
};
use crate::{error::Result, native::sync_folder, platform::lock, value::Value};

/// A folder of checkpoints, one for each of the batches into which another program, such as Ray, cuts the rows.
///
/// After an interruption the rows may be cut differently, and no two processes can use one checkpoint. So the file of a batch is
/// named after its keys, and receives the records of those of its rows that are in other files.
///
/// ```
/// use replicant::{Value, bindings::CheckpointFolder};
///
/// # let folder = std::env::temp_dir().join(format!("checkpoints-{}", std::process::id()));
/// let checkpoints = CheckpointFolder::new(folder, 0, false);
/// let checkpoint = checkpoints.prepare(&[Value::from(1), Value::from(2)])?;
/// assert_eq!(checkpoint.extension().unwrap(), "jsonl");
/// # std::fs::remove_dir_all(checkpoint.parent().unwrap()).unwrap();
/// # Ok::<(), replicant::Error>(())
/// ```
#[derive(Debug)]
pub struct CheckpointFolder {
    path: PathBuf,
    retries: u32,
    retry_unknown: bool,
    /// What the files of earlier processes contain, once they are read.
    known: OnceLock<HashMap<Hash, Known>>,
    /// Held while files are read and written.
    preparing: Mutex<()>,
}

/// What the files contain of a row.
#[derive(Debug)]
struct Known {
    /// The file with the most records of the row. It has those of the others, from which it was seeded, too.
    file: Arc<Path>,
    records: u32,
    entry: Entry,
}

impl CheckpointFolder {
    /// Returns the folder at `path`, which is created when it is first needed, for batches with `retries` and `retry_unknown`.
    pub fn new(path: impl Into<PathBuf>, retries: u32, retry_unknown: bool) -> Self {
        Self {
            path: path.into(),
            retries,
            retry_unknown,
            known: OnceLock::new(),
            preparing: Mutex::default(),
        }
    }

    /// Returns the path of the checkpoint of a batch with the rows `keys`, which contains what any file of the folder knows of
    /// them. Blocks while files are read and written.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`](crate::ErrorKind::InvalidArgument) if a file of the folder is damaged or not a checkpoint;
    /// [`ErrorKind::FileNotFound`](crate::ErrorKind::FileNotFound) or
    /// [`ErrorKind::FileNotWritten`](crate::ErrorKind::FileNotWritten) if the folder cannot be read or written.
    pub fn prepare(&self, keys: &[Value]) -> Result<PathBuf> {
        let _preparing = lock(&self.preparing);
        let known = match self.known.get() {
            Some(known) => known,
            None => {
                let known = scan(&self.path)?;
                self.known.get_or_init(|| known)
            }
        };
        let keys: Vec<Hash> = keys.iter().map(Hash::of_key).collect();
        let names: Vec<String> = keys.iter().map(Hash::to_string).collect();
        let path = self.path.join(format!("{}.jsonl", Hash::of_text(&names.concat())));
        let mut missing: HashMap<&Path, HashMap<Hash, u32>> = HashMap::new();
        for key in keys {
            if let Some(known) = known.get(&key).filter(|known| *known.file != *path) {
                missing.entry(&known.file).or_default().insert(key, known.records);
            }
        }
        if !missing.is_empty() {
            seed(&path, missing)?;
        }
        Ok(path)
    }

    /// Returns `true` if a row of a prepared batch needs a create, as the files of earlier processes say. Does not block.
    pub fn needs_create(&self, key: &Value) -> bool {
        let entry = self.known.get().and_then(|known| known.get(&Hash::of_key(key)));
        entry.is_none_or(|known| {
            known.entry.clone().with_retries(self.retries).needs_prediction(self.retry_unknown)
        })
    }
}

/// Reads all checkpoints of a folder.
fn scan(folder: &Path) -> Result<HashMap<Hash, Known>> {
    fs::create_dir_all(folder).map_err(|error| unwritable(folder, &error))?;
    let entries = fs::read_dir(folder).and_then(|entries| {
        entries.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()
    });
    let mut paths = entries.map_err(|error| unreadable(folder, error))?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    paths.sort_unstable();
    let mut all: HashMap<Hash, Known> = HashMap::new();
    for path in paths {
        let mut file = File::open(&path).map_err(|error| unreadable(&path, error))?;
        let (loaded, records) = load_counted(&mut file, &path)?;
        let file: Arc<Path> = path.into();
        for (key, entry) in loaded.rows {
            let records = records.get(&key).copied().unwrap_or_default();
            if all.get(&key).is_none_or(|known| known.records < records) {
                all.insert(key, Known { file: file.clone(), records, entry });
            }
        }
    }
    Ok(all)
}

/// Reads a checkpoint. Returns the number of records of each row too.
fn load_counted(file: &mut File, path: &Path) -> Result<(Loaded, HashMap<Hash, u32>)> {
    let mut records = HashMap::new();
    let loaded = load(file, path, |key, _| *records.entry(key).or_insert(0) += 1)?;
    Ok((loaded, records))
}

/// Adds the records of rows that other files have to the file at `path`. `missing` has the number of records of each row.
///
/// The file is locked and extended rather than replaced, because another process may have it open. If that is interrupted, a row
/// has fewer records than in the other file, so that they are added again.
fn seed(path: &Path, missing: HashMap<&Path, HashMap<Hash, u32>>) -> Result<()> {
    let is_new = !path.exists();
    let opened = open_locked(path, OpenOptions::new().read(true).write(true).create(true).truncate(false));
    let mut file = match opened {
        Ok(file) => file,
        // A process that uses the file has seeded it.
        Err(TryLockError::WouldBlock) => return Ok(()),
        Err(TryLockError::Error(error)) => return Err(unwritable(path, &error)),
    };
    let (loaded, present) = load_counted(&mut file, path)?;
    let mut added = Vec::new();
    for (source, mut rows) in missing {
        // Another process may have added them, and have run the rows since.
        rows.retain(|key, records| present.get(key).is_none_or(|present| present < records));
        let mut file = File::open(source).map_err(|error| unreadable(source, error))?;
        let mut lines = Vec::new();
        let add = |key, line: &[u8]| {
            if rows.contains_key(&key) {
                lines.extend_from_slice(line);
            }
        };
        let other = load(&mut file, source, add)?;
        if loaded.header.is_none()
            && added.is_empty()
            && let Some(header) = &other.header
        {
            added.extend_from_slice(line(header).as_bytes());
        }
        added.extend_from_slice(&lines);
    }
    // A killed process leaves an incomplete line behind.
    let written = file.set_len(loaded.length).and_then(|()| {
        file.seek(SeekFrom::End(0))?;
        file.write_all(&added)?;
        file.sync_all()?;
        if is_new { sync_folder(path) } else { Ok(()) }
    });
    written.map_err(|error| unwritable(path, &error))
}
