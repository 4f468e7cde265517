//! What stays when a save replaces a file: the symbolic link that leads to it, its owner, group and mode.

use std::{
    fs::{self, File, Metadata, OpenOptions},
    io,
    path::{Path, PathBuf},
};

/// As many as Linux follows.
const MAX_LINKS: usize = 40;

/// Returns the path that the symbolic link `path` leads to, also if no file exists there, and any other path unchanged.
///
/// It follows links that the system does not, so the caller opens or inspects `path` first.
pub(super) fn follow_links(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        let Ok(next) = fs::read_link(&path) else { return Ok(path) };
        path = path.with_file_name("").join(next);
    }
    Err(io::Error::other("too many symbolic links"))
}

/// Creates `temporary`, which will replace the file with the metadata `replaced`, if there is one.
pub(super) fn create(temporary: &Path, replaced: Option<&Metadata>) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if let Some(replaced) = replaced {
        // Closed to others until it has the owner and the mode of the replaced file.
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(temporary)?;
        keep_access(&file, replaced)?;
        return Ok(file);
    }
    #[cfg(not(unix))]
    let _ = replaced;
    // Its mode is 0666 without the bits of the umask, as of any new file.
    options.open(temporary)
}

/// Gives `file` the owner, the group and the mode of `replaced`, as far as this process and the file system can.
#[cfg(unix)]
fn keep_access(file: &File, replaced: &Metadata) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};

    let created = file.metadata()?;
    let mut mode = replaced.mode() & 0o777;
    if created.gid() != replaced.gid() && fchown(file, None, Some(replaced.gid())).is_err() {
        // The file belongs to another group, which gets no more than everybody.
        mode &= !0o070 | (mode & 0o007) << 3;
    }
    if created.uid() != replaced.uid() {
        let _ = fchown(file, Some(replaced.uid()), None);
    }
    // Some file systems have no modes.
    let _ = file.set_permissions(fs::Permissions::from_mode(mode));
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_are_followed_to_files_that_need_not_exist() {
        let folder = std::env::temp_dir().join(format!("replicant-{:016x}", fastrand::u64(..)));
        fs::create_dir_all(folder.join("below")).unwrap();
        symlink("below/second", folder.join("first")).unwrap();
        symlink("../missing", folder.join("below/second")).unwrap();
        symlink("circle", folder.join("circle")).unwrap();
        let end = follow_links(&folder.join("first"));
        let circle = follow_links(&folder.join("circle"));
        fs::write(folder.join("missing"), "").unwrap();
        assert_eq!(end.unwrap().canonicalize().unwrap(), folder.join("missing").canonicalize().unwrap());
        assert!(circle.is_err());
        assert_eq!(follow_links(Path::new("plain")).unwrap(), Path::new("plain"));
        fs::remove_dir_all(folder).unwrap();
    }
}
