//! Opens one connection to a new host before the others: over HTTP/2, all requests share it.

use std::{
    collections::HashMap,
    future::{Future, poll_fn},
    pin::pin,
    sync::{
        Arc, Mutex, OnceLock,
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
use crate::{
    error::{Error, Result},
    platform::{BoxFuture, lock},
};

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
    /// Why the opening that is running fails, once it does.
    opening: Option<Arc<OnceLock<Error>>>,
    /// How many requests wait for a response on a connection.
    active: usize,
    /// When a connection was used last.
    used: Option<Instant>,
}

impl State {
    /// Returns `true` if a connection is in use, or was within `idle`.
    fn is_open(&self, idle: Duration) -> bool {
        self.active > 0 || self.used.is_some_and(|used| used.elapsed() < idle)
    }
}

impl Gate {
    pub fn new(idle: Duration) -> Self {
        Self { hosts: Mutex::default(), idle }
    }

    /// Runs `request`, after waiting for the first connection to the host of `url`. Fails with the error of that connection if
    /// it cannot be made: in turn, the requests to a silent host would each wait for the time limits of all before them, and
    /// together they would open a connection each.
    pub async fn pass<T>(&self, url: &Url, request: impl Future<Output = Result<T>>) -> Result<T> {
        if !needs_gate(url) {
            return request.await;
        }
        let host = self.host(url.origin());
        let mut opening = self.enter(&host).await?;
        let mut _active = opening.is_none().then(|| Active::on(&host));
        let connected = Arc::new(AtomicBool::new(false));
        let mut request = pin!(CONNECTED.scope(connected.clone(), request));
        poll_fn(|context| {
            let output = request.as_mut().poll(context);
            // Checked after the poll, because only then the connection is in the pool.
            let succeeded = connected.load(Ordering::Relaxed);
            if (succeeded || output.is_ready())
                && let Some(opening) = opening.take()
            {
                match &output {
                    Poll::Ready(Err(error)) if !succeeded && error.never_sent() => opening.fail(error),
                    // What was sent had a connection, perhaps an earlier one.
                    _ => _active = Some(Active::on(&host)),
                }
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

    /// Returns `None` if the host has a connection, and a guard if the caller must open the first one.
    async fn enter<'a>(&self, host: &'a Host) -> Result<Option<Opening<'a>>> {
        loop {
            let opened = host.opened.notified();
            let failure = {
                let mut state = lock(&host.state);
                match &state.opening {
                    Some(failure) => failure.clone(),
                    None => {
                        let open = state.is_open(self.idle);
                        state.opening = (!open).then(Arc::default);
                        return Ok((!open).then(|| Opening(host)));
                    }
                }
            };
            before_sending(opened).await;
            if let Some(error) = failure.get() {
                return Err(error.clone());
            }
        }
    }
}

/// A request that waits for its response.
struct Active<'a>(&'a Host);

impl<'a> Active<'a> {
    fn on(host: &'a Host) -> Self {
        lock(&host.state).active += 1;
        Self(host)
    }
}

impl Drop for Active<'_> {
    fn drop(&mut self) {
        let mut state = lock(&self.0.state);
        state.active -= 1;
        state.used = Some(Instant::now());
    }
}

/// The opening of the first connection. Dropping it lets the other requests go on: they find the connection, fail with its
/// error or, if its request was dropped, one of them tries again.
struct Opening<'a>(&'a Host);

impl Opening<'_> {
    fn fail(self, error: &Error) {
        if let Some(failure) = &lock(&self.0.state).opening {
            let _ = failure.set(error.clone());
        }
    }
}

impl Drop for Opening<'_> {
    fn drop(&mut self) {
        lock(&self.0.state).opening = None;
        self.0.opened.notify_waiters();
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
    use std::{future::ready, iter};

    use futures_util::future::{join, join_all};
    use tokio::{sync::Barrier, time::timeout};

    use super::*;

    #[tokio::test]
    async fn hosts_without_connections_are_forgotten() {
        for (idle, kept) in [(Duration::ZERO, 1), (Duration::from_secs(3600), 9)] {
            let gate = Gate::new(idle);
            for n in 1..10 {
                let url = Url::parse(&format!("https://{n}.example")).unwrap();
                gate.pass(&url, async {
                    CONNECTED.with(|connected| connected.store(true, Ordering::Relaxed));
                    Ok(())
                })
                .await
                .unwrap();
            }
            assert_eq!(lock(&gate.hosts).len(), kept);
            let again = Url::parse("https://9.example").unwrap();
            gate.pass(&again, ready(Ok(()))).await.unwrap();
            assert_eq!(lock(&gate.hosts).len(), kept);
        }
    }

    #[tokio::test]
    async fn requests_do_not_wait_in_turn_for_a_connection_that_was_opened_earlier() {
        let gate = Gate::new(Duration::from_secs(3600));
        // It sets `CONNECTED` for no request.
        let first = async {
            tokio::task::yield_now().await;
            Ok(())
        };
        check_together(&gate, first).await;
    }

    #[tokio::test]
    async fn a_connection_is_open_while_it_is_in_use() {
        let gate = Gate::new(Duration::ZERO);
        let together = Barrier::new(2);
        let first = async {
            CONNECTED.with(|connected| connected.store(true, Ordering::Relaxed));
            together.wait().await;
            Ok(())
        };
        let others = async {
            check_together(&gate, ready(Ok(()))).await;
            together.wait().await;
        };
        let first = async { gate.pass(&url(), first).await };
        let all = join(first, others);
        timeout(Duration::from_secs(20), all).await.expect("they do not wait").0.unwrap();
    }

    fn url() -> Url {
        Url::parse("https://host.example").unwrap()
    }

    /// Sends one request, and others that end only together.
    async fn check_together(gate: &Gate, first: impl Future<Output = Result<()>>) {
        let together = Barrier::new(9);
        let other = || async {
            gate.pass(&url(), async {
                together.wait().await;
                Ok(())
            })
            .await
        };
        let others = iter::repeat_with(other).take(9);
        let first = async { gate.pass(&url(), first).await };
        let all = join(first, join_all(others));
        timeout(Duration::from_secs(20), all).await.expect("they are sent together").0.unwrap();
    }
}
