//! The file with the token that `login` stores.

use std::{
    fs, io,
    io::Write,
    path::{Path, PathBuf},
};

use replicant::Token;

use crate::failure::{FAILED, Failure};
#[cfg(unix)]
use crate::output::note;

/// Why a token cannot be an argument.
pub(crate) const NO_ARGUMENT: &str = "a token is never an argument, because other users of this machine and the history of the \
     shell would see it; pass it on standard input, as in `replicant login < token.txt`, or in REPLICATE_API_TOKEN";

/// Returns the path of the file: `replicant/token` in the folder for configuration.
pub(crate) fn path() -> Result<PathBuf, Failure> {
    let variable = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let in_home = |below: &str| std::env::home_dir().map(|home| home.join(below));
    let folder = variable("XDG_CONFIG_HOME").or_else(|| {
        if cfg!(windows) {
            variable("APPDATA")
        } else if cfg!(target_os = "macos") {
            in_home("Library/Application Support")
        } else {
            in_home(".config")
        }
    });
    let folder =
        folder.ok_or_else(|| Failure::new(FAILED, "there is no home folder: set XDG_CONFIG_HOME"))?;
    Ok(folder.join("replicant").join("token"))
}

/// Returns the stored token, if there is one.
pub(crate) fn read() -> Result<Option<Token>, Failure> {
    // Without a home folder, nothing can have been stored.
    let Ok(path) = path() else { return Ok(None) };
    match fs::read_to_string(&path) {
        Ok(text) => {
            warn_of_readers(&path);
            Ok(Some(Token::from(text)).filter(|token| !token.trim().is_empty()))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed("read", &path, &error)),
    }
}

/// Stores a token. The file appears complete, and only its owner can read it.
pub(crate) fn write(token: &Token) -> Result<PathBuf, Failure> {
    let path = path()?;
    let folder = path.parent().unwrap_or(Path::new("."));
    // A file of an earlier attempt may have other permissions.
    let temporary = folder.join(format!("token.{}", std::process::id()));
    let written = create_folder(folder).and_then(|()| {
        let _ = fs::remove_file(&temporary);
        let mut file = create(&temporary)?;
        file.write_all(token.trim().as_bytes())?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        fs::rename(&temporary, &path)
    });
    if let Err(error) = written {
        let _ = fs::remove_file(&temporary);
        return Err(failed("write", &path, &error));
    }
    Ok(path)
}

/// Removes the stored token. Returns `true` if there was one.
pub(crate) fn remove() -> Result<bool, Failure> {
    let path = path()?;
    match fs::remove_file(&path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(failed("remove", &path, &error)),
    }
}

fn failed(what: &str, path: &Path, error: &io::Error) -> Failure {
    Failure::new(FAILED, format!("cannot {what} the token at {}: {error}", path.display()))
}

#[cfg(unix)]
fn create_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
    if let Some(parent) = folder.parent() {
        fs::create_dir_all(parent)?;
    }
    match fs::DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
        }
        created => created,
    }
}

#[cfg(unix)]
fn create(path: &Path) -> io::Result<fs::File> {
    use std::os::unix::fs::OpenOptionsExt;
    fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

#[cfg(unix)]
fn warn_of_readers(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(path).map_or(0, |metadata| metadata.permissions().mode());
    if mode & 0o077 != 0 {
        let path = path.display();
        note(&format!("replicant: other users can read the token: run `chmod 600 {path}`"));
    }
}

/// On Windows, the folder of the user's settings is closed to other users.
#[cfg(not(unix))]
fn create_folder(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}

#[cfg(not(unix))]
fn create(path: &Path) -> io::Result<fs::File> {
    fs::OpenOptions::new().write(true).create_new(true).open(path)
}

#[cfg(not(unix))]
fn warn_of_readers(_: &Path) {}
