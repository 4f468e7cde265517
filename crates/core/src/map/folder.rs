//! A folder of checkpoints, one for each of the batches into which another program cuts the rows.

use std::{
    collections::{HashMap, HashSet},
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    process,
    sync::{Arc, Mutex, OnceLock},
};

use super::{
    checkpoint::{open_locked, sync_folder, unwritable},
    hash::Hash,
    load::{load, unreadable},
    records::{Entry, line},
};
use crate::{error::Result, platform::lock, value::Value};

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
        let mut missing: HashMap<&Path, HashSet<Hash>> = HashMap::new();
        for key in keys {
            if let Some(known) = known.get(&key).filter(|known| *known.file != *path) {
                missing.entry(&known.file).or_default().insert(key);
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
        let mut records = HashMap::new();
        let loaded = load(&mut file, &path, |key, _| *records.entry(key).or_insert(0) += 1)?;
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

/// Adds the records of rows that other files have to the file at `path`, which then has them all or none.
fn seed(path: &Path, missing: HashMap<&Path, HashSet<Hash>>) -> Result<()> {
    let mut content = Vec::new();
    match open_locked(path, OpenOptions::new().read(true)) {
        // A process that uses the file has seeded it.
        Err(TryLockError::WouldBlock) => return Ok(()),
        Ok(mut file) => {
            file.read_to_end(&mut content).map_err(|error| unreadable(path, error))?;
        }
        Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::NotFound => {}
        Err(TryLockError::Error(error)) => return Err(unreadable(path, error)),
    }
    // A killed process leaves an incomplete line behind.
    content.truncate(content.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1));
    for (source, keys) in missing {
        let mut file = File::open(source).map_err(|error| unreadable(source, error))?;
        let mut lines = Vec::new();
        let add = |key, line: &[u8]| {
            if keys.contains(&key) {
                lines.extend_from_slice(line);
            }
        };
        let loaded = load(&mut file, source, add)?;
        if content.is_empty()
            && let Some(header) = &loaded.header
        {
            content.extend_from_slice(line(header).as_bytes());
        }
        content.extend_from_slice(&lines);
    }
    let temporary = path.with_extension(format!("{}.new", process::id()));
    let written = File::create(&temporary).and_then(|mut file| {
        file.write_all(&content)?;
        file.sync_all()?;
        drop(file);
        fs::rename(&temporary, path)?;
        sync_folder(path, true)
    });
    written.map_err(|error| unwritable(path, &error))
}
