//! The files that `replicant map` writes.

use std::{
    ffi::OsString,
    io::{self, BufRead, ErrorKind, Read, SeekFrom},
    path::{Path, PathBuf},
};

use replicant::{Reference, Value, map::MapItem};
use tokio::{
    fs::{File, OpenOptions},
    io::{AsyncSeekExt, AsyncWriteExt},
};

use crate::{
    command::Arguments,
    failure::{FAILED, Failure, message},
    output::{is_terminal, print},
};

/// The most bytes of results that wait to be written.
const BUFFER: usize = 64 * 1024;
/// The longest first line of a checkpoint.
const HEADER: u64 = 64 * 1024;
/// How much of the first result is parsed.
const RESULT: u64 = 1024 * 1024;

/// Where results and the checkpoint are.
pub(super) struct Files {
    /// `None` for standard output.
    out: Option<PathBuf>,
    pub checkpoint: Option<PathBuf>,
    resume: bool,
}

impl Files {
    /// Reads the options, and refuses to overwrite the results of another batch.
    pub fn of(arguments: &Arguments) -> Result<Self, Failure> {
        let path = |flag| arguments.value(flag).map(PathBuf::from);
        let resume = arguments.has("--resume");
        let out = path("--out").filter(|out| out.as_os_str() != "-");
        let beside = out.as_deref().filter(|out| is_plain(out)).map(|out| {
            let mut name = OsString::from(out);
            name.push(".checkpoint");
            PathBuf::from(name)
        });
        let checkpoint = path("--checkpoint").or(beside);
        if resume && checkpoint.is_none() {
            return Err(Failure::usage("`--resume` needs `--out FILE` or `--checkpoint FILE`"));
        }
        let source = path("--in").filter(|source| source.as_os_str() != "-");
        for (flag, one, other, file) in [
            ("--out", &out, "--checkpoint", &checkpoint),
            ("--out", &out, "--in", &source),
            ("--checkpoint", &checkpoint, "--in", &source),
        ] {
            if let (Some(one), Some(file)) = (one, file)
                && are_same(one, file)
            {
                return Err(Failure::usage(format!("`{flag}` must be another file than `{other}`")));
            }
        }
        let has_begun = checkpoint.as_deref().is_some_and(has_contents);
        if let (true, false, Some(checkpoint)) = (has_begun, resume, &checkpoint) {
            return Err(Failure::usage(format!(
                "{checkpoint:?} is the checkpoint of a batch: pass `--resume` to continue it, or use another file"
            )));
        }
        if let (false, Some(out)) = (has_begun, out.as_deref().filter(|out| has_contents(out))) {
            let why = if resume { "has results, but no checkpoint" } else { "has results" };
            return Err(Failure::usage(format!("`--out`: {out:?} {why}; use another file")));
        }
        if let Some(out) = out.as_deref().filter(|out| has_contents(out) && !has_results(out)) {
            return Err(Failure::usage(format!(
                "`--out`: {out:?} has no results of a batch; use another file"
            )));
        }
        Ok(Self { out, checkpoint, resume })
    }

    /// Returns the version that the batch to continue runs, which may no longer be the latest one.
    pub fn version_of(&self, reference: Reference) -> Reference {
        let Reference::Model { owner, name } = &reference else { return reference };
        let recorded = self.checkpoint.as_deref().and_then(model_in);
        match recorded.and_then(|model| model.parse::<Reference>().ok()) {
            Some(Reference::Version { model: Some(of), id }) if of.0 == *owner && of.1 == *name => {
                Reference::Version { model: Some(of), id }
            }
            _ => reference,
        }
    }

    /// Says how to continue the batch after it was interrupted.
    pub fn advice(&self) -> &'static str {
        match (&self.checkpoint, self.resume) {
            (None, _) => "",
            (Some(_), false) => "to continue, run the same command with `--resume`",
            (Some(_), true) => "to continue, run the same command again",
        }
    }

    /// Opens the file for results.
    pub async fn results(&self) -> Result<Results, Failure> {
        let mut results = Results { file: None, begun: false, lines: Vec::new() };
        if let Some(out) = &self.out {
            let opened = OpenOptions::new().write(true).create(true).truncate(false).open(out).await;
            results.file = Some((opened.map_err(|error| unwritten(out, &error))?, out.clone()));
        }
        Ok(results)
    }
}

/// Returns `true` if a path is that of a file, or of one that can be created; not of a device or a pipe.
fn is_plain(path: &Path) -> bool {
    // NUL of Windows has no metadata.
    path.metadata()
        .map_or_else(|error| cfg!(unix) || error.kind() == ErrorKind::NotFound, |known| known.is_file())
}

fn has_contents(path: &Path) -> bool {
    path.metadata().is_ok_and(|known| known.is_file() && known.len() > 0)
}

/// Returns `true` if two paths are those of one file, which need not exist.
fn are_same(one: &Path, other: &Path) -> bool {
    let resolved = |path: &Path| {
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let beside = || Some(parent.canonicalize().ok()?.join(path.file_name()?));
        path.canonicalize().ok().or_else(beside).unwrap_or_else(|| path.to_owned())
    };
    one == other || is_plain(one) && resolved(one) == resolved(other)
}

/// Returns `true` if a file begins with a result. A killed process may have left an incomplete one behind.
fn has_results(path: &Path) -> bool {
    let mut line = Vec::new();
    let Ok(file) = std::fs::File::open(path) else { return false };
    if io::BufReader::new(file.take(RESULT)).read_until(b'\n', &mut line).is_err() {
        return false;
    }
    match Value::from_json(&line) {
        Ok(result) => ["key", "index", "status"].iter().all(|name| result.get(name).is_some()),
        Err(_) => line.starts_with(b"{\"key\":") && line.last() != Some(&b'\n'),
    }
}

/// Returns the model in the first line of a checkpoint. The core reports what is wrong with the file.
fn model_in(checkpoint: &Path) -> Option<String> {
    let mut line = String::new();
    let file = std::fs::File::open(checkpoint).ok()?;
    io::BufReader::new(file.take(HEADER)).read_line(&mut line).ok()?;
    Some(Value::from_json(line.as_bytes()).ok()?["model"].as_str()?.to_owned())
}

fn unwritten(path: &Path, error: &io::Error) -> Failure {
    match error.kind() {
        ErrorKind::BrokenPipe => Failure::silent(0),
        _ => Failure::new(FAILED, format!("cannot write {path:?}: {error}")),
    }
}

/// Results that are written as lines of JSON.
pub(super) struct Results {
    file: Option<(File, PathBuf)>,
    /// Whether the results of an earlier process were removed.
    begun: bool,
    lines: Vec<u8>,
}

impl Results {
    /// Adds a result, and writes all if they are many.
    pub async fn add(&mut self, item: &MapItem) -> Result<(), Failure> {
        let json = line(item).to_json().map_err(|error| Failure::new(FAILED, error.to_string()))?;
        self.lines.extend(json);
        self.lines.push(b'\n');
        if self.lines.len() >= BUFFER { self.write().await } else { Ok(()) }
    }

    /// Returns `true` if results are written to standard output.
    pub fn are_printed(&self) -> bool {
        self.file.is_none()
    }

    /// Returns `true` if the progress is in the way of what was added.
    pub fn share_terminal(&self) -> bool {
        self.are_printed() && !self.lines.is_empty() && is_terminal()
    }

    /// Writes what was added.
    pub async fn write(&mut self) -> Result<(), Failure> {
        if self.lines.is_empty() {
            return Ok(());
        }
        let lines = std::mem::take(&mut self.lines);
        let Some((file, path)) = &mut self.file else { return print(&String::from_utf8_lossy(&lines)).await };
        let written = async {
            // Not before the first result: the checkpoint, which has the earlier ones, is then open and locked.
            if !std::mem::replace(&mut self.begun, true) && is_plain(path) {
                file.set_len(0).await?;
                file.seek(SeekFrom::Start(0)).await?;
            }
            file.write_all(&lines).await?;
            file.flush().await
        };
        written.await.map_err(|error| unwritten(path, &error))
    }
}

fn line(item: &MapItem) -> Value {
    let error = item.error.as_ref().map(|error| {
        let members = [("code", error.code().into()), ("message", message(error).into())];
        Value::from_members(members)
    });
    Value::from_members([
        ("key", item.key.clone()),
        ("index", item.index.into()),
        ("status", item.status.as_str().into()),
        ("output", item.output.as_deref().cloned().into()),
        ("error", error.into()),
        ("attempts", item.attempts.into()),
        ("seconds", item.seconds.into()),
        ("id", item.prediction["id"].clone()),
    ])
}
