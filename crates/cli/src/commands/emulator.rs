//! `replicant emulator`: starts the emulator.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command as Process,
};

use crate::{
    command::{Arguments, Command, Context},
    failure::{FAILED, Failure},
};

pub(crate) const EMULATOR: Command = Command {
    name: "emulator",
    usage: "[arguments of replicant-emulator]",
    summary: "Start a local server that behaves like the API",
    details: "Runs the program replicant-emulator, which is a separate package, with the given arguments; `--help` shows them. The
environment variable REPLICANT_EMULATOR selects another path.",
    flags: &[],
    examples: &[
        "replicant emulator --port 4000",
        "REPLICATE_BASE_URL=http://127.0.0.1:4000 replicant run replicate/hello-world text=you",
    ],
    passes_arguments: true,
    run: |context, arguments| Box::pin(std::future::ready(emulator(context, &arguments))),
};

fn emulator(context: &Context<'_>, arguments: &Arguments) -> Result<(), Failure> {
    let path = (context.host.find_emulator)().map_err(|why| Failure::new(FAILED, why))?;
    let mut process = Process::new(&path);
    process.args(&arguments.words);
    let code = replace(process)
        .map_err(|error| Failure::new(FAILED, format!("cannot start {}: {error}", path.display())))?;
    if code == 0 { Ok(()) } else { Err(Failure::silent(code)) }
}

/// Becomes the other program, so that signals reach it.
#[cfg(unix)]
fn replace(mut process: Process) -> std::io::Result<u8> {
    use std::{
        io::{stderr, stdin, stdout},
        os::{fd::AsFd, unix::process::CommandExt},
    };
    // Passed explicitly, because Node marks its own as not to be inherited.
    process.stdin(stdin().as_fd().try_clone_to_owned()?);
    process.stdout(stdout().as_fd().try_clone_to_owned()?);
    process.stderr(stderr().as_fd().try_clone_to_owned()?);
    Err(process.exec())
}

#[cfg(not(unix))]
fn replace(mut process: Process) -> std::io::Result<u8> {
    let status = process.status()?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(FAILED))
}

/// Returns the path of the program `replicant-emulator`: `REPLICANT_EMULATOR`, the one beside this program, or one in a
/// folder of `PATH`.
///
/// ```
/// match replicant_cli::find_emulator() {
///     Ok(path) => println!("{}", path.display()),
///     Err(why) => eprintln!("{why}"),
/// }
/// ```
///
/// # Errors
/// What to install.
pub fn find_emulator() -> Result<PathBuf, String> {
    if let Some(given) = env::var_os("REPLICANT_EMULATOR").filter(|given| !given.is_empty()) {
        let path = PathBuf::from(given);
        if path.is_file() {
            return Ok(path);
        }
        return Err(format!("`REPLICANT_EMULATOR` must be the path of a file, not {path:?}"));
    }
    let name = format!("replicant-emulator{}", env::consts::EXE_SUFFIX);
    let beside = env::current_exe().ok().and_then(|path| path.parent().map(Path::to_owned));
    let folders = env::var_os("PATH").map(|path| env::split_paths(&path).collect::<Vec<_>>());
    let mut paths = beside.into_iter().chain(folders.into_iter().flatten()).map(|folder| folder.join(&name));
    paths
        .find(|path| path.is_file())
        .ok_or_else(|| "the emulator is a separate package: cargo install replicant-emulator".to_owned())
}
