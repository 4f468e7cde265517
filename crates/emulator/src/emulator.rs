//! Starts and stops the server.

mod error;

use std::fs::File;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;
use std::{fmt, io};

pub use error::Error;

use tokio::sync::oneshot;

use crate::config::{Action, Config, Match, Rule};
use crate::defined::{Definition, Function, ModelRun, Scripted};
use crate::http::access::Access;
use crate::http::listener::Source;
#[cfg(feature = "tls")]
use crate::http::tls::Identity;
use crate::replay::{self, Replays, Script, Side};
use crate::server;
use crate::state::{App, State};
#[cfg(feature = "tls")]
use crate::support::ids;
use crate::support::lock;

const MAX_TIME_SCALE: f64 = 1000.0;

/// A running server. It stops when dropped.
///
/// ```
/// use replicant_emulator::{Config, Emulator};
///
/// let emulator = Emulator::start(Config::default())?;
/// println!("export REPLICATE_BASE_URL={}", emulator.base_url());
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Emulator {
    app: App,
    tls: Option<Tls>,
    stop: Mutex<Option<(oneshot::Sender<()>, JoinHandle<()>)>>,
}

impl Emulator {
    /// Starts a server on 127.0.0.1, in a thread. It accepts connections when this returns.
    ///
    /// # Errors
    /// If the port is in use, the configuration is invalid, or a Cog server does not respond.
    pub fn start(config: Config) -> io::Result<Self> {
        // The upper bound keeps scaled durations within the range of a timer.
        if !(config.time_scale > 0.0 && config.time_scale <= MAX_TIME_SCALE) {
            let text =
                format!("time_scale must be above 0 and at most {MAX_TIME_SCALE}, not {}", config.time_scale);
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        let (replay_port, api_port) =
            if config.replay_only { (config.port, None) } else { (0, Some(config.port)) };
        let (replay_listener, replay_origin) = bind(replay_port)?;
        let (other_listener, other_origin) = bind(0)?;
        let api = api_port.map(bind).transpose()?;
        let origin = api.as_ref().map_or_else(|| replay_origin.clone(), |(_, origin)| origin.clone());
        let access = Arc::new(Access::new(&config, [port(&replay_origin), port(&other_origin)]));
        let replays = Arc::new(Replays::new(replay_origin, other_origin, access.clone()));

        #[cfg(feature = "tls")]
        let (tls, secure) = if config.tls {
            Tls::bind().map(|(tls, secure)| (Some(tls), Some(secure)))?
        } else {
            (None, None)
        };
        #[cfg(not(feature = "tls"))]
        let tls: Option<Tls> = match config.tls {
            true => return Err(io::Error::new(io::ErrorKind::InvalidInput, "this build has no TLS")),
            false => None,
        };

        let secure_origin = tls.as_ref().map(|tls: &Tls| tls.origin.as_str());
        let ports = [Some(origin.as_str()), secure_origin].into_iter().flatten().filter_map(port).collect();
        let app = State::new(config, origin, ports, access, replays.clone());
        let app = app.map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;

        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (sender, stopped) = oneshot::channel::<()>();
        let (report, loaded) = mpsc::channel::<Result<(), String>>();
        let parts = (app.clone(), replays.clone());
        let serve = move || {
            let (app, replays) = parts;
            runtime.block_on(async move {
                let result = app.load_models().await;
                let failed = result.is_err();
                let _ = report.send(result);
                if failed {
                    return;
                }
                let register = |listener| tokio::net::TcpListener::from_std(listener);
                if let (Ok(main), Ok(other)) = (register(replay_listener), register(other_listener)) {
                    tokio::spawn(replay::serve(main, Side::Main, replays.clone()));
                    tokio::spawn(replay::serve(other, Side::Other, replays));
                }
                #[cfg(feature = "tls")]
                if let Some((identity, Ok(listener))) = secure.map(|(id, socket)| (id, register(socket))) {
                    tokio::spawn(server::serve(app.clone(), Source::Tls(identity.listen(listener))));
                }
                if let Some(Ok(listener)) = api.map(|(listener, _)| register(listener)) {
                    tokio::spawn(server::serve(app.clone(), Source::Plain(listener)));
                    tokio::spawn(async move { app.sweep().await });
                }
                let _ = stopped.await;
            });
            // Work in progress must not delay the shutdown.
            runtime.shutdown_timeout(Duration::from_millis(50));
        };
        let thread = std::thread::Builder::new().name("replicant-emulator".into()).spawn(serve)?;
        match loaded.recv() {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Err(io::Error::other(error)),
            Err(_) => {
                return Err(io::Error::other("the thread of the server ended before it started to serve"));
            }
        }
        let emulator = Self { app, tls, stop: Mutex::new(Some((sender, thread))) };
        if let Some(tls) = &emulator.tls {
            // Last, because a signal during a slow start would leave the file behind.
            File::create_new(&tls.ca_bundle)?.write_all(tls.authority.as_bytes())?;
        }
        Ok(emulator)
    }

    /// Returns the base URL of the API: `http://127.0.0.1:PORT/v1`.
    pub fn base_url(&self) -> String {
        format!("{}/v1", self.app.origin)
    }

    /// Returns the origin of the API: `http://127.0.0.1:PORT`.
    pub fn origin(&self) -> &str {
        &self.app.origin
    }

    /// Returns the origin for HTTPS and the path of the certificate authority's certificate, if `Config::tls` is set.
    pub fn tls(&self) -> Option<(&str, &Path)> {
        self.tls.as_ref().map(|tls| (tls.origin.as_str(), tls.ca_bundle.as_path()))
    }

    /// Returns the origin of the replay server, which accepts scripts at `POST /_replay`.
    pub fn replay_origin(&self) -> &str {
        &self.app.replays.origin
    }

    /// Returns the second origin of the replay server.
    pub fn other_origin(&self) -> &str {
        &self.app.replays.other
    }

    /// Returns the secret that signs webhooks.
    pub fn webhook_secret(&self) -> &str {
        &self.app.webhooks.secret
    }

    /// Returns the secret that signs `files/{id}/download` queries.
    pub fn files_secret(&self) -> &str {
        &self.app.files_secret
    }

    /// Starts a script from the JSON text of a conformance case.
    ///
    /// # Errors
    /// The first mistake in the text.
    pub fn replay(&self, case: &str) -> Result<Arc<Script>, Error> {
        Ok(self.app.replays.start(case.as_bytes())?)
    }

    /// Makes the next request of an operation fail, with the body that the API sends with `status`. `operation` is an id of
    /// the API's OpenAPI document; `predictions.create` includes the creates by model and by deployment.
    ///
    /// # Errors
    /// If there is no such operation or status.
    ///
    /// ```
    /// use replicant_emulator::{Config, Emulator};
    ///
    /// let emulator = Emulator::start(Config::default())?;
    /// emulator.fail_next("predictions.create", 429)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn fail_next(&self, operation: &str, status: u16) -> Result<(), Error> {
        self.add_fault(Rule {
            r#match: Match { operation: Some(operation.into()), ..Match::default() },
            times: 1,
            action: Action { status: Some(status), problem: true, ..Action::default() },
        })
    }

    /// Adds a fault rule.
    ///
    /// # Errors
    /// The first mistake in the rule.
    ///
    /// ```
    /// use replicant_emulator::{Action, Config, Emulator, Match, Rule};
    ///
    /// let emulator = Emulator::start(Config::default())?;
    /// emulator.add_fault(Rule {
    ///     r#match: Match { operation: Some("predictions.get".into()), ..Match::default() },
    ///     times: 2,
    ///     action: Action { close_before_reply: true, ..Action::default() },
    /// })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn add_fault(&self, rule: Rule) -> Result<(), Error> {
        Ok(self.app.faults.add(vec![rule])?)
    }

    /// Adds fault rules from the JSON text of a [`Rule`] or of an array of rules.
    ///
    /// # Errors
    /// The first mistake in the text.
    ///
    /// ```
    /// use replicant_emulator::{Config, Emulator};
    ///
    /// let emulator = Emulator::start(Config::default())?;
    /// emulator.add_faults(r#"{"match": {"method": "POST"}, "times": 2, "action": {"status": 429}}"#)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn add_faults(&self, rules: &str) -> Result<(), Error> {
        self.app.faults.add_json(rules.as_bytes()).map_err(|error| Error::from(error.to_string()))
    }

    /// Adds a model that calls a function for each prediction: with the input, to which the defaults of the schema are
    /// added, and the running prediction. The result is the output; null leaves it to [`ModelRun::emit`]. An error is the
    /// error of the failed prediction, and so is the message of a panic. A model of the same name is replaced.
    ///
    /// All predictions of the model run in one thread. Pass work that blocks or computes for long to
    /// `tokio::task::spawn_blocking`, or they wait for it, and a cancel takes effect only after it.
    ///
    /// # Errors
    /// The first mistake in the definition.
    ///
    /// ```
    /// use std::sync::{Arc, atomic::{AtomicU32, Ordering}};
    /// use replicant_emulator::{Config, Definition, Emulator};
    ///
    /// let emulator = Emulator::start(Config::default())?;
    /// let calls = Arc::new(AtomicU32::new(0));
    /// let counter = calls.clone();
    /// emulator.model(Definition::new("acme/shout"), async move |input, run| {
    ///     run.log(format!("call {}", counter.fetch_add(1, Ordering::Relaxed)));
    ///     Ok(input["text"].as_str().ok_or("text is missing")?.to_uppercase().into())
    /// })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn model<F>(&self, definition: Definition, function: F) -> Result<(), Error>
    where
        F: AsyncFn(serde_json::Value, ModelRun) -> Result<serde_json::Value, String> + Send + 'static,
    {
        let schema = definition.schema(false)?;
        let function = Function::new(function)
            .map_err(|error| format!("the thread of the model did not start: {error}"))?;
        Ok(self.app.define(&definition, schema, Arc::new(function))?)
    }

    /// Adds a model that does the same for every input. A model of the same name is replaced.
    ///
    /// # Errors
    /// The first mistake in the definition.
    ///
    /// ```
    /// use replicant_emulator::{Config, Definition, Emulator, Scripted};
    ///
    /// let emulator = Emulator::start(Config::default())?;
    /// let script = Scripted { output: Some("a heron".into()), ..Scripted::default() };
    /// emulator.script(Definition::new("acme/captioner"), script)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn script(&self, definition: Definition, script: Scripted) -> Result<(), Error> {
        let schema = definition.schema(script.iterates())?;
        Ok(self.app.define(&definition, schema, Arc::new(script))?)
    }

    /// Forgets everything that clients and tests have created: predictions, trainings, files, models, deployments,
    /// received requests, fault rules and scripts. Models that tests have defined stay.
    pub fn reset(&self) {
        self.app.reset();
    }

    /// Advances the clock: deadlines, retention, webhook retries, cold starts and run times pass at once. `time` is at most
    /// 366 days; more counts as that.
    pub fn advance(&self, time: Duration) {
        self.app.time.advance(time);
    }

    /// Returns all predictions and trainings, oldest first, as a JSON array.
    pub fn predictions_json(&self) -> String {
        self.app.jobs.view(&self.app.origin).get().to_owned()
    }

    /// Returns the requests that the API has received, as a JSON array.
    pub fn requests_json(&self) -> String {
        self.app.recorder.view().get().to_owned()
    }

    /// Returns the URLs and secrets of the server as a JSON object: `base_url`, `origin`, `replay_origin`,
    /// `other_origin`, `webhook_secret`, `files_secret`; with HTTPS also `tls_base_url`, `tls_origin` and `ca_bundle`.
    pub fn addresses_json(&self) -> String {
        let mut addresses = serde_json::json!({
            "base_url": self.base_url(),
            "origin": self.origin(),
            "replay_origin": self.replay_origin(),
            "other_origin": self.other_origin(),
            "webhook_secret": self.webhook_secret(),
            "files_secret": self.files_secret(),
        });
        if let Some(tls) = &self.tls {
            addresses["tls_origin"] = tls.origin.as_str().into();
            addresses["tls_base_url"] = format!("{}/v1", tls.origin).into();
            addresses["ca_bundle"] = tls.ca_bundle.to_string_lossy().into();
        }
        addresses.to_string()
    }

    /// Stops the server: closes its connections and joins its thread. Has no effect on a stopped server.
    pub fn stop(&self) {
        let Some((sender, thread)) = lock(&self.stop).take() else { return };
        let _ = sender.send(());
        let _ = thread.join();
    }
}

/// The address for HTTPS, and the file with the certificate authority, which is deleted at the end.
struct Tls {
    origin: String,
    ca_bundle: PathBuf,
    /// The content of the file.
    authority: String,
}

#[cfg(feature = "tls")]
impl Tls {
    fn bind() -> io::Result<(Self, (Identity, std::net::TcpListener))> {
        let identity = Identity::new().map_err(io::Error::other)?;
        let (listener, origin) = bind(0)?;
        // Unpredictable, because other users can write to the folder.
        let ca_bundle = std::env::temp_dir().join(format!("replicant-emulator-{}.pem", ids::url_key()));
        let authority = identity.authority.clone();
        Ok((
            Self { origin: origin.replacen("http:", "https:", 1), ca_bundle, authority },
            (identity, listener),
        ))
    }
}

impl Drop for Tls {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.ca_bundle);
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.stop();
    }
}

impl fmt::Debug for Emulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emulator").field("origin", &self.app.origin).finish_non_exhaustive()
    }
}

/// Returns the port of an origin.
fn port(origin: &str) -> Option<u16> {
    origin.rsplit(':').next()?.parse().ok()
}

fn bind(port: u16) -> io::Result<(std::net::TcpListener, String)> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let listener = std::net::TcpListener::bind(address)
        .map_err(|error| io::Error::new(error.kind(), format!("cannot listen on {address}: {error}")))?;
    listener.set_nonblocking(true)?;
    let origin = format!("http://{}", listener.local_addr()?);
    Ok((listener, origin))
}
