//! What the targets share: a client whose transport plays responses, and whose timer fires at once.
//!
//! The targets use the public interface only, so that they fuzz what a server or a caller can reach.

use std::{
    collections::VecDeque,
    future::Future,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use futures_util::stream;
use replicant::{
    BoxFuture, Client, Error, ErrorKind, Options, Result,
    native::TokioRuntime,
    platform::{Runtime, Spawner},
    transport::{HttpBody, HttpRequest, HttpResponse, StreamBody, Transport},
};

/// The token of the clients. No error may contain it.
pub const TOKEN: &str = "r8_secretsecretsecret";

/// A response to play: its status, its headers, and the chunks of its body.
pub struct Response {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub chunks: Vec<Bytes>,
}

impl Response {
    pub fn new(status: u16, body: &[u8]) -> Self {
        Self { status, headers: Vec::new(), chunks: vec![Bytes::copy_from_slice(body)] }
    }

    pub fn header(mut self, name: &str, value: &[u8]) -> Self {
        self.headers.push((name.to_owned(), String::from_utf8_lossy(value).into_owned()));
        self
    }

    /// Splits the body into chunks of `size` bytes.
    pub fn in_chunks(mut self, size: usize) -> Self {
        let body = self.chunks.concat();
        self.chunks = body.chunks(size.max(1)).map(Bytes::copy_from_slice).collect();
        self
    }
}

/// Plays responses in turn, then fails. Records the bodies of requests, with their declared lengths.
#[derive(Default)]
pub struct Player {
    responses: Mutex<VecDeque<Response>>,
    pub bodies: Mutex<Vec<(Option<u64>, Vec<u8>)>>,
}

impl Transport for Player {
    fn send(&self, request: HttpRequest) -> BoxFuture<'static, Result<HttpResponse>> {
        let body = match request.body {
            HttpBody::Empty => Ok((None, Vec::new())),
            HttpBody::Bytes(bytes) => Ok((Some(bytes.len() as u64), bytes.to_vec())),
            HttpBody::Stream { length, chunks } => {
                let chunks: Result<Vec<Bytes>> = wait(futures_util::TryStreamExt::try_collect(chunks));
                chunks.map(|chunks| (length, chunks.concat()))
            }
        };
        let recorded = body.map(|body| self.bodies.lock().expect("no panic").push(body));
        let response = self.responses.lock().expect("no panic").pop_front();
        Box::pin(async move {
            recorded?;
            let Some(response) = response else {
                return Err(Error::new(ErrorKind::Connection, "played all"));
            };
            let chunks = stream::iter(response.chunks.into_iter().map(Ok));
            let body = Box::new(StreamBody(Box::pin(chunks)));
            Ok(HttpResponse::new(response.status, response.headers, body))
        })
    }
}

struct NoDelay(TokioRuntime);

impl Runtime for NoDelay {
    fn now(&self) -> Duration {
        self.0.now()
    }

    fn monotonic(&self) -> Duration {
        self.0.monotonic()
    }

    fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
        Box::pin(async {
            // Long enough for what a limit waits for, which is ready when it is polled.
            for _ in 0..256 {
                tokio::task::yield_now().await;
            }
        })
    }

    fn spawner(&self) -> Spawner {
        self.0.spawner()
    }
}

/// Returns a client that receives `responses`, and its transport.
pub fn client(responses: impl IntoIterator<Item = Response>) -> (Client, Arc<Player>) {
    let player =
        Arc::new(Player { responses: Mutex::new(responses.into_iter().collect()), ..Player::default() });
    let options = Options {
        token: Some(TOKEN.into()),
        max_retries: Some(1),
        transport: Some(player.clone()),
        runtime: Some(Arc::new(NoDelay(TokioRuntime::new()))),
        ..Options::default()
    };
    (Client::new(options).expect("valid options"), player)
}

/// Waits for a future on this thread.
pub fn wait<T>(future: impl Future<Output = T>) -> T {
    if tokio::runtime::Handle::try_current().is_ok() {
        // Inside another `wait`: the future is one of ours, which never waits for a timer or a socket.
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        let mut future = std::pin::pin!(future);
        loop {
            if let std::task::Poll::Ready(value) = future.as_mut().poll(&mut context) {
                return value;
            }
        }
    }
    thread_local! {
        static RUNTIME: tokio::runtime::Runtime =
            tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    }
    RUNTIME.with(|runtime| runtime.block_on(future))
}

/// Checks that an error can be shown and does not contain the token.
pub fn check_error(error: &Error) {
    let shown = format!("{error} {error:?} {:?} {:?}", error.to_value(), error.response());
    assert!(!shown.contains(TOKEN), "{shown}");
}
