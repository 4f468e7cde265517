//! The rows of `replicant map`.

use std::{
    collections::HashMap,
    fs::File,
    hash::{BuildHasher, RandomState},
    io::{self, Read},
    path::PathBuf,
    sync::{Arc, Mutex},
};

use futures_util::{Stream, stream};
use replicant::{bindings::lock, map::Row};
use tokio::{sync::mpsc, task::spawn_blocking};

use crate::{
    command::Arguments,
    failure::{FAILED, Failure},
    rows::{Format, Rows, read},
    template::Template,
};

/// How many rows are read ahead.
const AHEAD: usize = 64;

/// Where rows come from.
#[derive(Clone)]
pub(super) struct Source {
    /// `None` for standard input.
    path: Option<PathBuf>,
    format: Format,
}

/// Why the rows ended early.
#[derive(Clone, Default)]
pub(super) struct Broken(Arc<Mutex<Option<String>>>);

impl Broken {
    pub fn take(&self) -> Option<Failure> {
        let why = lock(&self.0).take();
        why.map(|why| Failure::new(FAILED, why))
    }

    fn set(&self, failure: Failure, of: &Source) {
        let why = failure.within(&of.name()).message;
        *lock(&self.0) = Some(why);
    }
}

impl Source {
    pub fn of(arguments: &Arguments) -> Result<Self, Failure> {
        let path = arguments.value("--in").ok_or_else(|| {
            Failure::usage("`--in FILE` is missing: a table of rows; `-` is standard input")
        })?;
        let path = Some(PathBuf::from(path)).filter(|path| path.as_os_str() != "-");
        let extension =
            path.as_ref().and_then(|path| path.extension()).and_then(|extension| extension.to_str());
        let format = match (arguments.value("--format"), extension) {
            (Some(name), _) => Format::named(name).ok_or_else(|| {
                Failure::usage(format!("`--format` must be `csv`, `tsv` or `jsonl`, not `{name}`"))
            }),
            (None, extension) => extension.and_then(Format::named).ok_or_else(|| {
                Failure::usage(
                    "`--format` is missing: `csv`, `tsv` or `jsonl`, unless the name of the file ends so",
                )
            }),
        }?;
        Ok(Self { path, format })
    }

    /// Reads the table from its start.
    fn open(&self) -> io::Result<Rows> {
        let input: Box<dyn Read + Send> = match &self.path {
            Some(path) => Box::new(File::open(path)?),
            None => Box::new(io::stdin()),
        };
        Ok(read(input, self.format))
    }

    /// Checks and counts the rows of a file. Returns `None` for what can be read once only.
    pub async fn check(&self, template: &Arc<Template>) -> Result<Option<u64>, Failure> {
        let Some(path) = &self.path else { return Ok(None) };
        let unreadable = |error: io::Error| Failure::new(FAILED, format!("cannot read {path:?}: {error}"));
        if !path.metadata().map_err(unreadable)?.is_file() {
            return Ok(None);
        }
        let rows = self.open().map_err(unreadable)?;
        let template = template.clone();
        let checked = spawn_blocking(move || count(rows, &template)).await;
        let checked = checked.unwrap_or_else(|error| Err(Failure::new(FAILED, error.to_string())));
        checked.map(Some).map_err(|failure| failure.within(&self.name()))
    }

    /// Returns the rows, which a thread reads, because standard input blocks.
    pub fn stream(&self, template: Arc<Template>) -> (impl Stream<Item = Row> + Send + use<>, Broken) {
        let (sender, receiver) = mpsc::channel(AHEAD);
        let broken = Broken::default();
        let (source, report) = (self.clone(), broken.clone());
        spawn_blocking(move || {
            let rows = match source.open() {
                Ok(rows) => rows,
                Err(error) => {
                    return report.set(Failure::new(FAILED, format!("cannot be read: {error}")), &source);
                }
            };
            for row in rows {
                match row.and_then(|columns| template.row(&columns)) {
                    Ok(row) => {
                        // Nobody receives when the batch has ended.
                        let Ok(()) = sender.blocking_send(row) else { return };
                    }
                    Err(failure) => return report.set(failure, &source),
                }
            }
        });
        let rows =
            stream::unfold(receiver, |mut receiver| async move { Some((receiver.recv().await?, receiver)) });
        (rows, broken)
    }

    fn name(&self) -> String {
        match &self.path {
            Some(path) => format!("`--in`: {path:?}"),
            None => "`--in`: standard input".to_owned(),
        }
    }
}

/// Checks and counts rows. Keeps hashes of the keys only, because rows may be many.
fn count(rows: Rows, template: &Template) -> Result<u64, Failure> {
    let (one, other) = (RandomState::new(), RandomState::new());
    let mut keys = HashMap::new();
    let mut count = 0;
    for columns in rows {
        let columns = columns?;
        template.row(&columns)?;
        let line = columns.line;
        let name = template.key_of(&columns)?.map(|key| key.to_string());
        if let Some(name) = name
            && let Some(first) = keys.insert((one.hash_one(&name), other.hash_one(&name)), line)
        {
            let why = format!("line {line} has the key of line {first}; each row must have its own");
            return Err(Failure::usage(why));
        }
        count += 1;
    }
    Ok(count)
}
