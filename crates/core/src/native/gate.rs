//! Opens one connection to a new host before the others: over HTTP/2, all requests share it.

use std::{
    collections::HashMap,
    future::{Future, poll_fn},
    pin::pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use tokio::sync::Notify;
use tower_layer::Layer;
use tower_service::Service;
use url::{Origin, Url};

use super::unsent::before_sending;
use crate::platform::{BoxFuture, lock};

tokio::task_local! {
    /// Set once the request of this task has a connection.
    static CONNECTED: Arc<AtomicBool>;
}

/// Returns whether requests to `url` may share a connection. Without TLS, the protocol is HTTP/1.1, which needs a connection
/// per request.
pub(super) fn needs_gate(url: &Url) -> bool {
    url.scheme() == "https"
}

/// Holds back requests to a host while the first one connects to it.
pub(super) struct Gate {
    hosts: Mutex<HashMap<Origin, Arc<Host>>>,
    /// How long a connection stays open without requests.
    idle: Duration,
}

#[derive(Default)]
struct Host {
    state: Mutex<State>,
    opened: Notify,
}

#[derive(Default)]
struct State {
    /// Whether a request opens the first connection.
    opening: bool,
    /// When the last request was sent.
    used: Option<Instant>,
    /// The number of openings that failed.
    failed: usize,
}

impl State {
    /// Returns `true` if the connection was used within `idle`.
    fn is_open(&self, idle: Duration) -> bool {
        self.used.is_some_and(|used| used.elapsed() < idle)
    }
}

impl Gate {
    pub fn new(idle: Duration) -> Self {
        Self { hosts: Mutex::default(), idle }
    }

    /// Runs `request`, after waiting for the first connection to the host of `url`.
    pub async fn pass<F: Future>(&self, url: &Url, request: F) -> F::Output {
        if !needs_gate(url) {
            return request.await;
        }
        let host = self.host(url.origin());
        let Some(opening) = self.enter(&host).await else { return request.await };
        let mut opening = Some(opening);
        let connected = Arc::new(AtomicBool::new(false));
        let mut request = pin!(CONNECTED.scope(connected.clone(), request));
        poll_fn(|context| {
            let output = request.as_mut().poll(context);
            // Checked after the poll, because only then the connection is in the pool.
            let succeeded = connected.load(Ordering::Relaxed);
            if (succeeded || output.is_ready())
                && let Some(mut opening) = opening.take()
            {
                opening.succeeded = Some(succeeded);
            }
            output
        })
        .await
    }

    fn host(&self, origin: Origin) -> Arc<Host> {
        let mut hosts = lock(&self.hosts);
        if let Some(host) = hosts.get(&origin) {
            return host.clone();
        }
        // Those without requests have lost their connections.
        hosts.retain(|_, host| Arc::strong_count(host) > 1 || lock(&host.state).is_open(self.idle));
        hosts.entry(origin).or_default().clone()
    }

    /// Returns `None` if the host has a connection or the caller has waited for one that failed, and a guard if the caller
    /// must open the first one.
    async fn enter<'a>(&self, host: &'a Host) -> Option<Opening<'a>> {
        let mut failed = None;
        loop {
            let opened = host.opened.notified();
            {
                let mut state = lock(&host.state);
                // In turn, the requests to a silent host would each wait for the time limits of all before them.
                if *failed.get_or_insert(state.failed) != state.failed {
                    return None;
                }
                if !state.opening {
                    let open = state.is_open(self.idle);
                    (state.opening, state.used) = (!open, Some(Instant::now()));
                    return (!open).then(|| Opening { host, succeeded: None });
                }
            }
            before_sending(opened).await;
        }
    }
}

/// The opening of the first connection. Dropping it lets the other requests pass: they find the connection or, if it
/// failed, each open their own. If its request was dropped, one of them tries again.
struct Opening<'a> {
    host: &'a Host,
    /// `None` until it ends.
    succeeded: Option<bool>,
}

impl Drop for Opening<'_> {
    fn drop(&mut self) {
        let mut state = lock(&self.host.state);
        state.opening = false;
        state.used = (self.succeeded == Some(true)).then(Instant::now);
        state.failed += usize::from(self.succeeded == Some(false));
        drop(state);
        self.host.opened.notify_waiters();
    }
}

/// Announces each new connection to the request that opened it.
#[derive(Clone)]
pub(super) struct Announce<S = ()>(pub S);

impl<S> Layer<S> for Announce {
    type Service = Announce<S>;

    fn layer(&self, service: S) -> Announce<S> {
        Announce(service)
    }
}

impl<S, R> Service<R> for Announce<S>
where
    S: Service<R>,
    S::Future: Send + 'static,
    S::Response: Send + 'static,
    S::Error: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<S::Response, S::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let connected = CONNECTED.try_with(Arc::clone).ok();
        let connecting = self.0.call(request);
        Box::pin(async move {
            let connection = before_sending(connecting).await?;
            if let Some(connected) = connected {
                connected.store(true, Ordering::Relaxed);
            }
            Ok(connection)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::future::ready;

    use super::*;

    #[tokio::test]
    async fn hosts_without_connections_are_forgotten() {
        for (idle, kept) in [(Duration::ZERO, 1), (Duration::from_secs(3600), 9)] {
            let gate = Gate::new(idle);
            for n in 1..10 {
                let url = Url::parse(&format!("https://{n}.example")).unwrap();
                gate.pass(&url, async {
                    CONNECTED.with(|connected| connected.store(true, Ordering::Relaxed))
                })
                .await;
            }
            assert_eq!(lock(&gate.hosts).len(), kept);
            let again = Url::parse("https://9.example").unwrap();
            gate.pass(&again, ready(())).await;
            assert_eq!(lock(&gate.hosts).len(), kept);
        }
    }
}
