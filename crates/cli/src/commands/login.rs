//! `replicant login` and `replicant logout`: store the API token in a file, and remove it.

use std::io::IsTerminal;

use replicant::{Token, Value};
use tokio::io::AsyncReadExt;

use crate::{
    client::{call, client_with},
    command::{Arguments, Command, flag},
    failure::{FAILED, Failure},
    output::note,
    token,
};

pub(crate) const LOGIN: Command = Command {
    name: "login",
    usage: "[options] < FILE",
    summary: "Store an API token, read from standard input",
    details: "On a terminal, it asks for the token and does not show it. The token is checked with the API, and stored in
$XDG_CONFIG_HOME/replicant/token (by default ~/.config/replicant/token; on macOS in ~/Library/Application Support, on
Windows in %APPDATA%), a file that only you can read. The environment variable REPLICATE_API_TOKEN takes precedence.
Tokens are at https://replicate.com/account/api-tokens.",
    flags: &[flag("--no-check", "Store the token without asking the API whether it is valid")],
    examples: &["replicant login", "pass show replicate | replicant login"],
    passes_arguments: false,
    run: |_, arguments| Box::pin(login(arguments)),
};

pub(crate) const LOGOUT: Command = Command {
    name: "logout",
    usage: "",
    summary: "Remove the stored API token",
    details: "",
    flags: &[],
    examples: &["replicant logout"],
    passes_arguments: false,
    run: |_, arguments| Box::pin(std::future::ready(logout(&arguments))),
};

/// Longer input is not a token.
const MAX_LENGTH: u64 = 4096;

async fn login(arguments: Arguments) -> Result<(), Failure> {
    if !arguments.words.is_empty() {
        return Err(Failure::usage(token::NO_ARGUMENT));
    }
    let token = read().await?;
    if token.trim().is_empty() {
        return Err(Failure::usage("standard input has no token"));
    }
    // Also checks that it has no invalid characters.
    let client = client_with(Some(token.clone()))?;
    let account = match arguments.has("--no-check") {
        true => Value::Null,
        false => call(&client, "account.get", Value::Null).await?,
    };
    let path = token::write(&token)?;
    let of = account["username"].as_str().map(|name| format!(" of {name}")).unwrap_or_default();
    note(&format!("The token{of} is stored in {}", path.display()));
    if std::env::var_os("REPLICATE_API_TOKEN").is_some_and(|token| !token.is_empty()) {
        note("replicant: REPLICATE_API_TOKEN is set, and takes precedence over the stored token");
    }
    Ok(())
}

fn logout(arguments: &Arguments) -> Result<(), Failure> {
    arguments.exactly([])?;
    note(if token::remove()? { "The stored token is removed" } else { "No token is stored" });
    Ok(())
}

/// Reads the token: a line of a terminal, otherwise all of standard input.
async fn read() -> Result<Token, Failure> {
    if std::io::stdin().is_terminal() {
        return ask().await;
    }
    let mut text = String::new();
    let read = tokio::io::stdin().take(MAX_LENGTH).read_to_string(&mut text).await;
    // The error must not show what was read.
    let length = read.map_err(|_| Failure::new(FAILED, "standard input has no text"))?;
    if length as u64 == MAX_LENGTH {
        return Err(Failure::usage("standard input is too long for a token"));
    }
    Ok(text.into())
}

/// Asks for the token on a terminal that does not show it.
#[cfg(unix)]
async fn ask() -> Result<Token, Failure> {
    use tokio::io::{AsyncBufReadExt, BufReader};
    let _hidden = Hidden::new();
    prompt();
    let mut line = String::new();
    let read = BufReader::new(tokio::io::stdin()).read_line(&mut line).await;
    read.map_err(|error| Failure::new(FAILED, format!("cannot read from the terminal: {error}")))?;
    Ok(line.into())
}

#[cfg(not(unix))]
async fn ask() -> Result<Token, Failure> {
    prompt();
    let read = rpassword::read_password();
    Ok(read.map_err(|error| Failure::new(FAILED, format!("cannot read from the terminal: {error}")))?.into())
}

fn prompt() {
    use std::io::Write;
    let mut stderr = std::io::stderr().lock();
    let _ = write!(stderr, "API token (it is not shown): ");
    let _ = stderr.flush();
}

/// A terminal that does not show what is typed, until this is dropped.
#[cfg(unix)]
struct Hidden(Option<rustix::termios::Termios>);

#[cfg(unix)]
impl Hidden {
    fn new() -> Self {
        use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
        let stdin = std::io::stdin();
        let Ok(before) = tcgetattr(&stdin) else { return Self(None) };
        let mut hidden = before.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        hidden.local_modes.insert(LocalModes::ECHONL);
        let changed = tcsetattr(&stdin, OptionalActions::Flush, &hidden);
        Self(changed.ok().map(|()| before))
    }
}

#[cfg(unix)]
impl Drop for Hidden {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            let now = rustix::termios::OptionalActions::Now;
            let _ = rustix::termios::tcsetattr(std::io::stdin(), now, before);
        }
    }
}
