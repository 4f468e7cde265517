//! Measures many waiting predictions over real sockets, on a clock that runs fast: `make bench-waiting`.

#![allow(clippy::print_stdout, reason = "`make bench-waiting` shows the figures")]

use std::{
    env,
    future::IntoFuture,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use futures_util::{StreamExt, stream};
use replicant_emulator::{Config, Emulator, RateLimits};

use crate::{
    Client, Options, Result,
    client::{background, waiting::parse_moment},
    http::transport::{HttpRequest, HttpResponse, Transport},
    json,
    native::{HttpOptions, HttpTransport},
    platform::BoxFuture,
};

/// Counts requests by their kind.
struct Counting {
    http: HttpTransport,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    polls: AtomicUsize,
    lists: AtomicUsize,
    rejected: AtomicUsize,
}

impl Transport for Counting {
    fn send(&self, request: HttpRequest) -> BoxFuture<'static, Result<HttpResponse>> {
        let counts = self.counts.clone();
        match (request.method, request.url.path()) {
            ("GET", "/v1/predictions") => counts.lists.fetch_add(1, Ordering::Relaxed),
            ("GET", _) => counts.polls.fetch_add(1, Ordering::Relaxed),
            _ => 0,
        };
        let sending = self.http.send(request);
        Box::pin(async move {
            let response = sending.await?;
            counts.rejected.fetch_add(usize::from(response.status == 429), Ordering::Relaxed);
            Ok(response)
        })
    }
}

#[derive(Debug)]
struct Figures {
    requests: f64,
    lists: usize,
    rejected: usize,
    median: f64,
    late: f64,
}

/// How the ends of predictions are noticed.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Way {
    Alone,
    Together,
    /// As [`Way::Together`], and the process receives webhooks.
    Webhooks,
}

/// Starts a server that passes webhooks to a client. Returns its URL.
async fn receive_webhooks(client: Client) -> String {
    let handler = move |request: axum::extract::Request| {
        let client = client.clone();
        async move {
            let (parts, body) = request.into_parts();
            let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
            let headers = parts.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
            // The clock of the client runs fast.
            client.webhooks().unwrap(headers, body).tolerance(None).await.unwrap();
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(axum::serve(listener, axum::Router::new().fallback(handler)).into_future());
    url
}

/// Runs `count` predictions of 5 to 60 seconds at once, on a clock `rate` times as fast as real time, with the limit of the API
/// for reads.
async fn measure(count: usize, rate: u32, way: Way) -> Figures {
    let limits = RateLimits {
        creates_per_minute: 600_000,
        others_per_minute: 3000 * rate,
        others_burst: Some(3000),
        ..RateLimits::default()
    };
    let config = Config {
        rate_limits: Some(limits),
        time_scale: 1.0 / f64::from(rate),
        keep_for: Duration::from_secs(24 * 3600),
        ..Config::default()
    };
    let emulator = Emulator::start(config).unwrap();
    let counts = Arc::new(Counts::default());
    let http = HttpOptions { max_connections: Some(200), ..HttpOptions::default() };
    let transport = Arc::new(Counting { http: HttpTransport::new(http).unwrap(), counts: counts.clone() });
    // One prediction alone says little, so twenty clients run one each.
    let clients = (0..if count == 1 { 20 } else { 1 }).map(|_| {
        let options = Options {
            base_url: Some(emulator.base_url()),
            token: Some("r8_token".into()),
            transport: Some(transport.clone()),
            clock_rate: Some(rate.into()),
            // A busy machine is slow, and the clock runs fast.
            timeout: Some(Duration::from_secs(3600)),
            ..Options::default()
        };
        let client = Client::new(options).unwrap();
        if way == Way::Alone { client.polling_alone() } else { client }
    });
    let clients: Vec<_> = clients.collect();
    let mut webhooks = Vec::new();
    for client in &clients {
        webhooks.push(if way == Way::Webhooks { Some(receive_webhooks(client.clone()).await) } else { None });
    }
    let mut random = fastrand::Rng::with_seed(7);
    let runs = clients.iter().zip(&webhooks).flat_map(|pair| vec![pair; count]).map(|(client, webhook)| {
        let input = json!({"value": 1, "delay": 5.0 + 55.0 * random.f64()});
        let mut run = client.run("emulator/echo", input).wait(0);
        if let Some(url) = webhook {
            run = run.webhook(url).webhook_events_filter(["completed"]);
        }
        tokio::spawn(async move {
            let ended = run.detailed().await.unwrap().prediction;
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros() as f64;
            let completed = ended["completed_at"].as_str().and_then(parse_moment).unwrap() as f64;
            (now - completed) / 1e6 * f64::from(rate)
        })
    });
    let runs: Vec<_> = runs.collect();
    let total = runs.len();
    let mut delays: Vec<_> = stream::iter(runs).buffer_unordered(total).map(Result::unwrap).collect().await;
    delays.sort_by(f64::total_cmp);
    for client in clients {
        assert_eq!(client.waiting().counts(), (0, 0, 0), "a task that has ended leaves no trace");
    }
    let count_of = |count: &AtomicUsize| count.load(Ordering::Relaxed);
    Figures {
        requests: (count_of(&counts.polls) + count_of(&counts.lists)) as f64 / total as f64,
        lists: count_of(&counts.lists),
        rejected: count_of(&counts.rejected),
        median: delays[total / 2],
        late: delays[total * 95 / 100],
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_waiting_predictions_share_their_polls() {
    let figures = measure(64, 20, Way::Webhooks).await;
    assert!(figures.requests <= 2.5, "{figures:?}");
    // On a clock that runs fast, a busy machine is late by many seconds, and the more predictions there are the busier it is.
    for (count, rate) in [(1, 20), (64, 20), (1000, 5)] {
        let figures = measure(count, rate, Way::Together).await;
        println!("{count}: {figures:?}");
        assert_eq!(figures.rejected, 0, "{figures:?}");
        assert!(figures.requests <= if count == 1 { 40.0 } else { 8.0 }, "{count}: {figures:?}");
        assert!(figures.late <= 40.0, "{count}: {figures:?}");
    }
}

#[tokio::test]
async fn tasks_that_are_dropped_leave_no_trace() {
    let emulator = Emulator::start(Config::default()).unwrap();
    let options = || Options {
        base_url: Some(emulator.base_url()),
        token: Some("r8_token".into()),
        ..Options::default()
    };
    let (client, other) = (Client::new(options()).unwrap(), Client::new(options()).unwrap());
    let headers = [("x-account".to_owned(), "other".to_owned())].into();
    let apart = Client::new(Options { headers, ..options() }).unwrap();
    let run = |index: usize| {
        let client = [&client, &other, &apart][index % 3];
        client
            .run("emulator/echo", json!({"value": 1, "delay": 60}))
            .wait(0)
            .webhook("http://127.0.0.1:9/")
            .into_future()
    };
    let runs: Vec<_> = (0..72).map(|index| tokio::spawn(run(index))).collect();
    // Clients of a token share their schedule, except one with headers.
    let shared = async {
        while client.waiting().counts() != (48, 48, 48) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), shared).await.expect("clients that share a schedule");
    assert_eq!((other.waiting().counts(), apart.waiting().counts()), ((48, 48, 48), (24, 0, 24)));
    runs.iter().for_each(tokio::task::JoinHandle::abort);
    for run in runs {
        assert!(run.await.unwrap_err().is_cancelled());
    }
    assert_eq!((client.waiting().counts(), apart.waiting().counts()), ((0, 0, 0), (0, 0, 0)));
    background::drain(Duration::from_secs(20)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes; `make bench-waiting` runs it"]
async fn figures() {
    let number =
        |name: &str, usual: u32| env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual);
    let (rate, only) = (number("RATE", 1), number("ONLY", 0) as usize);
    println!(
        "| waiting | | requests each | lists | 429s | median delay | 95 % |\n|---|---|---|---|---|---|---|"
    );
    for count in [1, 64, 1000, 10_000].into_iter().filter(|count| [0, *count].contains(&only)) {
        for way in [Way::Alone, Way::Together, Way::Webhooks] {
            let name = format!("{way:?}").to_lowercase();
            if env::var("WAY").is_ok_and(|only| !only.is_empty() && only != name) {
                continue;
            }
            let Figures { requests, lists, rejected, median, late } = measure(count, rate, way).await;
            println!(
                "| {count} | {name} | {requests:.1} | {lists} | {rejected} | {median:.1} s | {late:.1} s |"
            );
        }
    }
}
