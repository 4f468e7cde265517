//! The command-line options, for the program and for languages that start the emulator with the same options.

use std::time::Duration;

use serde_json::Value;
use url::Url;

use crate::config::{Config, RateLimits};

/// The text that `--help` prints.
pub const HELP: &str = "\
A local server with the behavior of Replicate's HTTP API.

Usage:
  replicant-emulator [options]                  Emulate the API
  replicant-emulator record --to DIR [options]  Forward requests to the API and store the exchanges in this folder
  replicant-emulator replay DIR [options]       Play the exchanges in this folder, without the API

Once it listens, it prints a line of JSON: base_url, origin, replay_origin, other_origin, webhook_secret,
files_secret.

Options:
  --port N                 Listen on this port of 127.0.0.1 (default: a free port)
  --token TOKEN            Accept only this token (default: any token)
  --account NAME           Name of the account (default: acme)
  --webhook-secret SECRET  Sign webhooks with this secret, whsec_... (default: generated)
  --time-scale FACTOR      Real seconds per second of the service; with 0.01, an hour takes 36 s (default: 1)
  --page-size N            Items per page of every list (default: the API's page sizes)
  --rate-limit N           Allow N prediction creates a minute, 3000 other requests, and as many at once; the API
                           allows 600 and 3000 (default: no limits)
  --rate-burst N           Allow only N prediction creates at once
  --read-limit N           Allow N other requests a minute
  --read-burst N           Allow only N other requests at once
  --credit N               Respond with status 402 after N predictions (default: never)
  --stream-idle SECONDS    Close an event stream after this time without events (default: 30)
  --hold-until-finished    Hold `Prefer: wait` requests until the prediction has finished
  --cog OWNER/NAME=URL     Run a model on the Cog server at this URL, which must be ready; can be repeated
  --script OWNER/NAME=OUT  Add a model that returns this output, JSON or text; a list is emitted item by item; can be
                           repeated
  --keep N                 Keep N predictions; the oldest are dropped first (default: 50000)
  --keep-requests N        Keep N received requests for /_emulator/requests (default: 10000)
  --keep-for SECONDS       Keep predictions and received requests for this time (default: a day)
  --allow-host NAME        Accept requests under this host name, not only under loopback ones; can be repeated
  --allow-origin ORIGIN    Accept requests of this web origin, not only of loopback ones; can be repeated
  --tls                    Also serve HTTPS on another port; prints tls_origin, tls_base_url and ca_bundle, the path of
                           the certificate authority
  --to DIR                 With record: the folder to create. Tokens, secrets and signatures are not stored
  --upstream URL           With record: the API (default: https://api.replicate.com). More of them are other origins
                           whose URLs in responses are recorded too
  --record DIR             The same as `record --to DIR`
  --replay DIR             The same as `replay DIR`
  --replay-only            Serve scripted exchanges only
  --until-stdin-closes     Stop when standard input is closed
  --child                  For programs that start this one: --until-stdin-closes, an error as a line of JSON on standard
                           output, no instructions
  -h, --help               Show this help
  --version                Show the version
";

/// Parsed command-line arguments.
///
/// ```
/// use replicant_emulator::arguments;
///
/// let given = ["--port", "8080", "--until-stdin-closes"].map(String::from);
/// let arguments = arguments::parse(given.into_iter())?.expect("not a request for help");
/// assert!(arguments.until_stdin_closes);
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Debug)]
pub struct Arguments {
    /// The configuration of the emulator.
    pub config: Config,
    /// Whether the program stops when its standard input is closed.
    pub until_stdin_closes: bool,
}

/// Parses command-line arguments, without the program name. Returns `None` if they ask for help.
///
/// # Errors
/// A message that names the invalid argument.
pub fn parse(arguments: impl Iterator<Item = String>) -> Result<Option<Arguments>, String> {
    let mut config = Config::default();
    let mut until_stdin_closes = false;
    let mut arguments = arguments.peekable();
    let command = arguments.next_if(|argument| argument == "record" || argument == "replay");
    if command.as_deref() == Some("replay") {
        let folder = arguments.next_if(|argument| !argument.starts_with('-'));
        config.replay = Some(folder.ok_or("replay needs the folder of a cassette")?.into());
    }
    while let Some(argument) = arguments.next() {
        let (name, mut attached) = match argument.split_once('=') {
            Some((name, value)) if name.starts_with("--") => (name.to_owned(), Some(value.to_owned())),
            _ => (argument, None),
        };
        let mut value = || {
            let value = attached.take().or_else(|| arguments.next());
            value.ok_or_else(|| format!("{name} needs a value"))
        };
        match name.as_str() {
            "-h" | "--help" => return Ok(None),
            "--port" => config.port = port(&value()?)?,
            "--token" => config.token = Some(value()?),
            "--account" => config.account = value()?,
            "--webhook-secret" => config.webhook_secret = Some(value()?),
            "--time-scale" => config.time_scale = number(&name, &value()?)?,
            "--page-size" => config.page_size = Some(positive(&name, &value()?)?),
            "--rate-limit" => rates(&mut config).creates_per_minute = positive(&name, &value()?)?,
            "--rate-burst" => rates(&mut config).creates_burst = Some(positive(&name, &value()?)?),
            "--read-limit" => rates(&mut config).others_per_minute = positive(&name, &value()?)?,
            "--read-burst" => rates(&mut config).others_burst = Some(positive(&name, &value()?)?),
            "--credit" => config.credit = Some(number(&name, &value()?)?),
            "--stream-idle" => config.stream_idle = seconds(&name, &value()?)?,
            "--keep" => config.keep_jobs = number(&name, &value()?)?,
            "--keep-requests" => config.keep_requests = number(&name, &value()?)?,
            "--keep-for" => config.keep_for = seconds(&name, &value()?)?,
            "--allow-host" => config.allowed_hosts.push(host(&value()?)?),
            "--allow-origin" => config.allowed_origins.push(origin(&value()?)?),
            "--hold-until-finished" => config.hold_until_finished = true,
            "--cog" => config.cog_models.push(cog_model(&value()?)?),
            "--script" => config.scripted_models.push(scripted_model(&value()?)?),
            "--tls" => config.tls = true,
            "--to" | "--record" => config.record = Some(value()?.into()),
            "--upstream" => config.upstreams.push(value()?),
            "--replay" => config.replay = Some(value()?.into()),
            "--replay-only" => config.replay_only = true,
            "--until-stdin-closes" | "--child" => until_stdin_closes = true,
            folder if command.as_deref() == Some("record") && !folder.starts_with('-') => {
                return Err(format!("record needs --to before its folder: record --to {folder}"));
            }
            _ => return Err(format!("unknown argument {name:?}")),
        }
        if let Some(value) = attached {
            return Err(format!(
                "{name} takes no value, but was given {value:?}; to turn it off, leave it out"
            ));
        }
    }
    let without_models = [
        ("record", config.record.is_some()),
        ("replay", config.replay.is_some()),
        ("--replay-only", config.replay_only),
    ];
    if let Some((mode, _)) = without_models.iter().find(|(_, is_given)| *is_given) {
        let given =
            [("--script", config.scripted_models.is_empty()), ("--cog", config.cog_models.is_empty())];
        if let Some((option, _)) = given.iter().find(|(_, is_empty)| !is_empty) {
            return Err(format!("{option} adds a model, but {mode} runs none: leave one of them out"));
        }
    }
    if config.record.is_none() {
        if command.as_deref() == Some("record") {
            return Err("record needs --to and the folder to create".into());
        }
        if !config.upstreams.is_empty() {
            return Err("--upstream needs `record --to DIR`".into());
        }
    }
    Ok(Some(Arguments { config, until_stdin_closes }))
}

fn number<T: std::str::FromStr>(name: &str, text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("{name} needs a number, not {text:?}"))
}

fn positive<T: std::str::FromStr + Default + PartialEq>(name: &str, text: &str) -> Result<T, String> {
    let number = number(name, text)?;
    if number == T::default() { Err(format!("{name} must be at least 1, not {text}")) } else { Ok(number) }
}

fn port(text: &str) -> Result<u16, String> {
    text.parse().map_err(|_| format!("--port needs a number from 0 to 65535, not {text:?}"))
}

/// Returns the host as the URL of a request has it.
fn host(text: &str) -> Result<String, String> {
    if text == "*" {
        return Ok(text.into());
    }
    let url = Url::parse(&format!("http://{text}")).ok();
    let host = url.as_ref().and_then(Url::host_str).filter(|host| host.eq_ignore_ascii_case(text));
    host.map(Into::into)
        .ok_or_else(|| format!("--allow-host needs a host name without a port, or *, not {text:?}"))
}

/// Returns the origin as browsers send it.
fn origin(text: &str) -> Result<String, String> {
    // Pages of files and sandboxed ones have the origin "null".
    if text == "*" || text == "null" {
        return Ok(text.into());
    }
    let url = Url::parse(text).ok().filter(|url| {
        let rest = &url[url::Position::AfterPort..];
        url.has_host() && url.username().is_empty() && url.password().is_none() && matches!(rest, "" | "/")
    });
    match url {
        // Those of browser extensions are not origins in the URL standard.
        Some(url) if url.origin().is_tuple() => Ok(url.origin().ascii_serialization()),
        Some(_) => Ok(text.trim_end_matches('/').into()),
        None => {
            Err(format!("--allow-origin needs an origin such as https://app.example, or *, not {text:?}"))
        }
    }
}

fn seconds(name: &str, text: &str) -> Result<Duration, String> {
    let time = Duration::try_from_secs_f64(number(name, text)?);
    time.map_err(|_| format!("{name} cannot be {text}"))
}

fn rates(config: &mut Config) -> &mut RateLimits {
    config.rate_limits.get_or_insert_default()
}

/// Reads `owner/name=output`. Text that is not JSON is the output itself.
fn scripted_model(text: &str) -> Result<(String, Value), String> {
    let (name, output) =
        text.split_once('=').ok_or_else(|| format!("--script needs OWNER/NAME=OUTPUT, not {text:?}"))?;
    Ok((name.into(), serde_json::from_str(output).unwrap_or_else(|_| output.into())))
}

fn cog_model(text: &str) -> Result<(String, String), String> {
    let invalid = || format!("--cog needs OWNER/NAME=URL, not {text:?}");
    let (name, url) = text.split_once('=').ok_or_else(invalid)?;
    let is_web = url.starts_with("http://") || url.starts_with("https://");
    if name.split('/').filter(|part| !part.is_empty()).count() != 2 || !is_web {
        return Err(invalid());
    }
    Ok((name.into(), url.trim_end_matches('/').into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Option<Arguments>, String> {
        parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn values_follow_a_space_or_an_equals_sign() {
        let line = "--port=80 --token secret --cog=me/it=http://127.0.0.1:5000/ --until-stdin-closes";
        let arguments = read(line).expect("good").expect("no help");
        assert_eq!(arguments.config.port, 80);
        assert_eq!(arguments.config.token.as_deref(), Some("secret"));
        assert_eq!(arguments.config.cog_models, [("me/it".into(), "http://127.0.0.1:5000".into())]);
        assert!(arguments.until_stdin_closes);
    }

    #[test]
    fn cassettes_have_commands_and_options() {
        for line in ["record --to a/b --upstream http://x", "--record=a/b --upstream=http://x"] {
            let config = read(line).expect("good").expect("no help").config;
            assert_eq!(config.record.as_deref(), Some("a/b".as_ref()));
            assert_eq!(config.upstreams, ["http://x"]);
        }
        for line in ["replay a/b --port 1", "--replay a/b --port 1"] {
            let config = read(line).expect("good").expect("no help").config;
            assert_eq!((config.replay.as_deref(), config.port), (Some("a/b".as_ref()), 1));
        }
    }

    #[test]
    fn hosts_and_origins_are_those_that_browsers_send() {
        for (given, kept) in [("Emulator", "emulator"), ("[::2]", "[::2]"), ("*", "*")] {
            assert_eq!(host(given).as_deref(), Ok(kept));
        }
        for wrong in ["", "a:80", "http://a", "a/b", "a b"] {
            assert!(host(wrong).is_err_and(|error| error.starts_with("--allow-host needs")), "{wrong}");
        }
        for (given, kept) in [
            ("https://App.example/", "https://app.example"),
            ("http://a:80", "http://a"),
            ("chrome-extension://abc", "chrome-extension://abc"),
            ("null", "null"),
            ("*", "*"),
        ] {
            assert_eq!(origin(given).as_deref(), Ok(kept));
        }
        for wrong in
            ["", "foo", "app.example", "localhost:3000", "https://a/b", "https://a?b", "https://me@a"]
        {
            assert!(origin(wrong).is_err_and(|error| error.starts_with("--allow-origin needs")), "{wrong}");
        }
    }

    #[test]
    fn errors_name_the_argument() {
        let error = |line: &str| read(line).err().unwrap_or_default();
        for port in ["eighty", "99999", "-1"] {
            let text = format!("--port needs a number from 0 to 65535, not {port:?}");
            assert_eq!(error(&format!("--port {port}")), text);
        }
        for name in ["--page-size", "--rate-limit", "--rate-burst", "--read-limit", "--read-burst"] {
            assert_eq!(error(&format!("{name} 0")), format!("{name} must be at least 1, not 0"));
            assert_eq!(error(&format!("{name} 1")), "");
        }
        assert_eq!(error("--port"), "--port needs a value");
        assert_eq!(
            error("--tls=false"),
            "--tls takes no value, but was given \"false\"; to turn it off, leave it out"
        );
        assert_eq!(error("--prot 80"), "unknown argument \"--prot\"");
        assert!(error("--cog me=http://x").contains("--cog needs OWNER/NAME=URL"));
        assert!(read("--help").expect("good").is_none());
        assert_eq!(error("record a/b"), "record needs --to before its folder: record --to a/b");
        for mode in ["record --to a", "--record a", "replay a", "--replay a", "--replay-only"] {
            for option in ["--script a/b=1", "--cog a/b=http://x"] {
                let error = error(&format!("{mode} {option}"));
                assert!(
                    error.starts_with(&option[..5]) && error.contains("leave one of them out"),
                    "{error}"
                );
            }
        }
        assert_eq!(error("record"), "record needs --to and the folder to create");
        assert_eq!(error("replay --port 1"), "replay needs the folder of a cassette");
        assert_eq!(error("--upstream http://x"), "--upstream needs `record --to DIR`");
    }
}
