//! Starting and stopping the server.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;
use std::{fmt, io};

use tokio::sync::oneshot;

use crate::app::{App, Shared, lock};
use crate::config::Config;
use crate::json::Raw;
use crate::models::cog;
use crate::replay::{self, Replays, Script, Side};
use crate::server;

const SLOWEST: f64 = 1000.0;

/// A running server. It ends when dropped.
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
    replays: Arc<Replays>,
    stop: Mutex<Option<(oneshot::Sender<()>, JoinHandle<()>)>>,
}

impl Emulator {
    /// Starts a server on 127.0.0.1, on a thread of its own. When this returns, it accepts connections.
    ///
    /// # Errors
    /// When the port is taken, a setting makes no sense, or a Cog server does not answer.
    ///
    /// ```
    /// use replicant_emulator::{Config, Emulator};
    ///
    /// let emulator = Emulator::start(Config { time_scale: 0.01, ..Config::default() })?;
    /// assert!(emulator.origin().starts_with("http://127.0.0.1:"));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn start(config: Config) -> io::Result<Self> {
        // The upper bound keeps every scaled time within what a timer takes.
        if !(config.time_scale > 0.0 && config.time_scale <= SLOWEST) {
            let text = format!("time_scale must be above 0 and at most {SLOWEST}, not {}", config.time_scale);
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        let (replay_port, api_port) =
            if config.replay_only { (config.port, None) } else { (0, Some(config.port)) };
        let (replay_listener, replay_origin) = bind(replay_port)?;
        let (other_listener, other_origin) = bind(0)?;
        let api = api_port.map(bind).transpose()?;
        let origin = api.as_ref().map_or_else(|| replay_origin.clone(), |(_, origin)| origin.clone());
        let replays = Arc::new(Replays::new(replay_origin, other_origin));
        let app = Shared::new(config, origin, replays.clone());

        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (sender, stopped) = oneshot::channel::<()>();
        let (report, loaded) = mpsc::channel::<Result<(), String>>();
        let parts = (app.clone(), replays.clone());
        let serve = move || {
            let (app, replays) = parts;
            runtime.block_on(async move {
                let result = cog::load_all(&app).await;
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
                if let Some(Ok(listener)) = api.map(|(listener, _)| register(listener)) {
                    tokio::spawn(server::serve(app, listener));
                }
                let _ = stopped.await;
            });
            // Work in progress must not hold up the end.
            runtime.shutdown_timeout(Duration::from_millis(50));
        };
        let thread = std::thread::Builder::new().name("replicant-emulator".into()).spawn(serve)?;
        match loaded.recv() {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Err(io::Error::other(error)),
            Err(_) => return Err(io::Error::other("the server's thread ended before it began to serve")),
        }
        Ok(Self { app, replays, stop: Mutex::new(Some((sender, thread))) })
    }

    /// Address of the API: `http://127.0.0.1:PORT/v1`.
    ///
    /// ```
    /// use replicant_emulator::{Config, Emulator};
    ///
    /// let emulator = Emulator::start(Config::default())?;
    /// assert!(emulator.base_url().ends_with("/v1"));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn base_url(&self) -> String {
        format!("{}/v1", self.app.origin)
    }

    /// `http://127.0.0.1:PORT`.
    ///
    /// ```
    /// use replicant_emulator::{Config, Emulator};
    ///
    /// let emulator = Emulator::start(Config::default())?;
    /// assert_eq!(emulator.base_url(), format!("{}/v1", emulator.origin()));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn origin(&self) -> &str {
        &self.app.origin
    }

    /// Address scripts are played at.
    ///
    /// ```
    /// use replicant_emulator::{Config, Emulator};
    ///
    /// let emulator = Emulator::start(Config::default())?;
    /// println!("POST cases to {}/_replay", emulator.replay_origin());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn replay_origin(&self) -> &str {
        &self.replays.origin
    }

    /// The second address scripts are played at: another origin.
    ///
    /// ```
    /// use replicant_emulator::{Config, Emulator};
    ///
    /// let emulator = Emulator::start(Config::default())?;
    /// assert_ne!(emulator.other_origin(), emulator.replay_origin());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn other_origin(&self) -> &str {
        &self.replays.other
    }

    /// The secret webhooks are signed with.
    ///
    /// ```
    /// use replicant_emulator::{Config, Emulator};
    ///
    /// let emulator = Emulator::start(Config::default())?;
    /// assert!(emulator.webhook_secret().starts_with("whsec_"));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn webhook_secret(&self) -> &str {
        &self.app.webhook_secret
    }

    /// The secret that signs `files/{id}/download` queries.
    ///
    /// ```
    /// use replicant_emulator::{Config, Emulator};
    ///
    /// let emulator = Emulator::start(Config::default())?;
    /// assert!(!emulator.files_secret().is_empty());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn files_secret(&self) -> &str {
        &self.app.files_secret
    }

    /// Starts playing scripted exchanges, given as the JSON text of a case.
    ///
    /// # Errors
    /// With what is wrong in the text.
    ///
    /// ```
    /// use replicant_emulator::{Config, Emulator};
    ///
    /// let emulator = Emulator::start(Config::default())?;
    /// let case = r#"{"exchanges": [{"expect": {"method": "GET"}, "reply": {"status": 503}}]}"#;
    /// let script = emulator.replay(case).expect("a case");
    /// println!("point a client at {}", script.base_url());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn replay(&self, case: &str) -> Result<Arc<Script>, String> {
        self.replays.start(case.as_bytes())
    }

    /// Adds faults, given as the JSON text of a rule or of a list of rules.
    ///
    /// # Errors
    /// With what is wrong in the text.
    ///
    /// ```
    /// use replicant_emulator::{Config, Emulator};
    ///
    /// let emulator = Emulator::start(Config::default())?;
    /// let rule = r#"{"match": {"method": "POST"}, "times": 2, "action": {"status": 429}}"#;
    /// emulator.add_faults(rule).expect("a rule");
    /// assert!(emulator.add_faults("{}").is_err());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn add_faults(&self, rules: &str) -> Result<(), String> {
        let rules = if rules.trim_start().starts_with('[') {
            serde_json::from_str(rules)
        } else {
            serde_json::from_str(rules).map(|rule| vec![rule])
        };
        self.app.faults.add(rules.map_err(|error| error.to_string())?);
        Ok(())
    }

    /// The requests the API has received, as JSON text.
    ///
    /// ```
    /// use replicant_emulator::{Config, Emulator};
    ///
    /// let emulator = Emulator::start(Config::default())?;
    /// assert_eq!(emulator.requests_json().matches("/cancel").count(), 0);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn requests_json(&self) -> String {
        let requests: Raw = self.app.recorder.view();
        requests.get().to_owned()
    }

    /// Where it listens and what it signs with, as a JSON object: `base_url`, `origin`, `replay_origin`,
    /// `other_origin`, `webhook_secret`, `files_secret`.
    ///
    /// ```
    /// use replicant_emulator::{Config, Emulator};
    ///
    /// let emulator = Emulator::start(Config::default())?;
    /// assert!(emulator.addresses_json().contains("\"base_url\""));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn addresses_json(&self) -> String {
        let addresses = serde_json::json!({
            "base_url": self.base_url(),
            "origin": self.origin(),
            "replay_origin": self.replay_origin(),
            "other_origin": self.other_origin(),
            "webhook_secret": self.webhook_secret(),
            "files_secret": self.files_secret(),
        });
        addresses.to_string()
    }

    /// Ends the server: closes its connections and joins its thread.
    ///
    /// Doing it twice does no harm.
    ///
    /// ```
    /// use replicant_emulator::{Config, Emulator};
    ///
    /// let emulator = Emulator::start(Config::default())?;
    /// emulator.stop();
    /// assert!(std::net::TcpStream::connect(&emulator.origin()["http://".len()..]).is_err());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn stop(&self) {
        let Some((sender, thread)) = lock(&self.stop).take() else { return };
        let _ = sender.send(());
        let _ = thread.join();
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

fn bind(port: u16) -> io::Result<(std::net::TcpListener, String)> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let listener = std::net::TcpListener::bind(address)
        .map_err(|error| io::Error::new(error.kind(), format!("cannot listen on {address}: {error}")))?;
    listener.set_nonblocking(true)?;
    let origin = format!("http://{}", listener.local_addr()?);
    Ok((listener, origin))
}
