//! The emulator, a program that runs as a child process. JavaScript cannot read a pipe synchronously without a thread of
//! its own, whose start takes ten times as long as that of the program.

use std::{
    io::{self, BufRead, BufReader},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use napi::bindgen_prelude::Error;
use napi_derive::napi;

/// How long a child may take to print its line.
const START: Duration = Duration::from_secs(30);
/// How long it may take to end.
const STOP: Duration = Duration::from_secs(5);
/// Time between two checks whether it has ended.
const CHECK: Duration = Duration::from_millis(1);

/// A child that ends when its standard input closes, as it does when this process ends.
#[napi]
pub struct NativeProgram {
    child: Option<Child>,
    line: String,
}

#[napi]
impl NativeProgram {
    /// Starts the program `file` and waits for the first line that it prints.
    #[napi(constructor, catch_unwind)]
    pub fn new(file: String, arguments: Vec<String>) -> napi::Result<Self> {
        let mut command = Command::new(&file);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        set_apart(&mut command);
        let failed = |error: io::Error| Error::from_reason(format!("{file} did not start: {error}"));
        let mut child = command.spawn().map_err(failed)?;
        let (sender, first_line) = mpsc::channel();
        if let Some(output) = child.stdout.take() {
            let read = move || {
                let mut output = BufReader::new(output);
                let mut line = String::new();
                let _ = sender.send(output.read_line(&mut line).map(|_| line));
                // Whatever else it prints, so that it does not wait for a reader.
                let _ = io::copy(&mut output, &mut io::sink());
            };
            thread::Builder::new().name("replicant-emulator".to_owned()).spawn(read).map_err(failed)?;
        }
        // Ends the child when it is dropped.
        let mut program = Self { child: Some(child), line: String::new() };
        let Ok(line) = first_line.recv_timeout(START) else {
            return Err(Error::from_reason(format!("{file} did not start")));
        };
        program.line = line.map_err(failed)?;
        if program.line.is_empty() {
            let status = program.child.take().and_then(|child| end(child).ok());
            let how = status.map_or_else(String::new, |status| format!(" with {}", describe(status)));
            return Err(Error::from_reason(format!("{file} ended{how} before it listened")));
        }
        Ok(program)
    }

    /// The first line that the program printed.
    #[napi(getter)]
    pub fn line(&self) -> &str {
        &self.line
    }

    /// Ends the program. `wait` says whether to wait until it has ended.
    #[napi(catch_unwind)]
    pub fn stop(&mut self, wait: bool) {
        if let Some(mut child) = self.child.take() {
            drop(child.stdin.take());
            if wait {
                let _ = end(child);
            } else {
                // Some thread must wait, or a zombie remains.
                let _ = thread::Builder::new().spawn(move || end(child));
            }
        }
    }
}

impl Drop for NativeProgram {
    fn drop(&mut self) {
        self.stop(false);
    }
}

fn end(mut child: Child) -> io::Result<ExitStatus> {
    drop(child.stdin.take());
    let began = Instant::now();
    while began.elapsed() < STOP {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        thread::sleep(CHECK);
    }
    child.kill()?;
    child.wait()
}

fn describe(status: ExitStatus) -> String {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return format!("signal {signal}");
    }
    status.code().map_or_else(|| status.to_string(), |code| format!("code {code}"))
}

/// Keeps Ctrl-C in the terminal from ending the child before this process.
fn set_apart(command: &mut Command) {
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
    #[cfg(windows)]
    {
        const CREATE_NEW_PROCESS_GROUP: u32 = 0x200;
        const CREATE_NO_WINDOW: u32 = 0x0800_0000;
        std::os::windows::process::CommandExt::creation_flags(
            command,
            CREATE_NEW_PROCESS_GROUP | CREATE_NO_WINDOW,
        );
    }
}
