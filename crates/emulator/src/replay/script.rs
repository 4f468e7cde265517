//! A script: finds the exchange for each request and collects problems.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use serde_json::value::RawValue;

use super::Side;
use super::exchange::{Exchange, Times};
use super::expect::Incoming;
use super::request::Request;
use crate::support::excerpt::excerpt;
use crate::support::json::{self, Fields, Raw, array};
use crate::support::lock;

const LARGEST_TEXT: usize = 1 << 20;
// Of a problem, in characters. A body may have any number of differences.
const LONGEST_PROBLEM: usize = 10_000;

/// What a script keeps. The oldest requests are dropped first, and the newest problems.
struct Bounds {
    requests: usize,
    /// Of the requests.
    bytes: usize,
    problems: usize,
}

impl Bounds {
    const DEFAULT: Self = Self { requests: 10_000, bytes: 64 << 20, problems: 1000 };
}

/// Scripted exchanges, started by [`Emulator::replay`](crate::Emulator::replay).
///
/// ```
/// use replicant_emulator::{Config, Emulator};
///
/// let emulator = Emulator::start(Config::default())?;
/// let script = emulator.replay(r#"{"exchanges": [{"expect": {"method": "GET"}, "reply": {"json": {}}}]}"#);
/// let script = script.expect("a valid case");
/// println!("point a client at {}", script.base_url());
/// assert_eq!(script.problems(), ["exchange 1: GET any path has not occurred"]);
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Script {
    name: String,
    origin: String,
    other: String,
    started: Instant,
    state: Mutex<State>,
}

struct State {
    bounds: Bounds,
    steps: Vec<Step>,
    problems: Vec<String>,
    requests: VecDeque<Received>,
    /// The size of what is kept of them.
    bytes: usize,
    /// How many requests are not kept any more.
    dropped: usize,
    last_reply: Option<Instant>,
}

struct Step {
    exchange: Arc<Exchange>,
    played: u32,
}

impl Step {
    /// Reports whether the exchange has occurred often enough.
    fn is_satisfied(&self) -> bool {
        match self.exchange.times {
            Times::Exactly(times) => self.played >= times,
            Times::Any(_) => true,
        }
    }

    /// Reports whether the exchange may occur once more.
    fn can_play(&self) -> bool {
        match self.exchange.times {
            Times::Exactly(times) => self.played < times,
            Times::Any(_) => true,
        }
    }
}

struct Received {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: bytes::Bytes,
    size: usize,
    side: Side,
    at_ms: u64,
    exchange: Option<usize>,
    closed_by_client: bool,
}

/// How to respond to a request.
pub(super) enum Verdict {
    /// Plays the reply of an exchange. The number is the index of the request in the report.
    Play(Arc<Exchange>, usize),
    /// No exchange matches; the text says why.
    Refuse(String),
}

impl Script {
    pub(super) fn new(name: String, origin: String, other: String, exchanges: Vec<Exchange>) -> Self {
        let step = |exchange| Step { exchange: Arc::new(exchange), played: 0 };
        Self {
            name,
            origin,
            other,
            started: Instant::now(),
            state: Mutex::new(State {
                bounds: Bounds::DEFAULT,
                steps: exchanges.into_iter().map(step).collect(),
                problems: Vec::new(),
                requests: VecDeque::new(),
                bytes: 0,
                dropped: 0,
                last_reply: None,
            }),
        }
    }

    /// Returns the base URL for a client.
    pub fn base_url(&self) -> String {
        format!("{}/v1", self.origin)
    }

    /// Returns the origin of the script, which `{{origin}}` stands for.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Returns the origin of the script on the second listener, which `{{other}}` stands for.
    pub fn other_origin(&self) -> &str {
        &self.other
    }

    /// Returns the state of the script as JSON text: `{"ok", "problems", "remaining", "requests", "dropped"}`.
    pub fn report_json(&self) -> String {
        self.report().get().to_owned()
    }

    /// Returns all problems so far, including exchanges that have not occurred. Empty after a correct run.
    pub fn problems(&self) -> Vec<String> {
        let state = lock(&self.state);
        let mut problems = state.problems.clone();
        for (index, step) in state.steps.iter().enumerate().filter(|(_, step)| !step.is_satisfied()) {
            problems.push(format!(
                "exchange {}: {} has not occurred",
                index + 1,
                step.exchange.expect.title()
            ));
        }
        problems
    }

    pub(crate) fn addresses(&self) -> Raw {
        Fields::new()
            .put("run", &self.name)
            .put("base_url", &self.base_url())
            .put("origin", &self.origin)
            .put("other", &self.other)
            .finish()
    }

    pub(crate) fn report(&self) -> Raw {
        let state = lock(&self.state);
        let remaining = state.steps.iter().filter(|step| !step.is_satisfied()).count();
        let requests: Vec<_> = state.requests.iter().map(Received::view).collect();
        Fields::new()
            .put("ok", &(state.problems.is_empty() && remaining == 0))
            .put("problems", &state.problems)
            .put("remaining", &remaining)
            .put("requests", &array(&requests))
            .put("dropped", &state.dropped)
            .finish()
    }

    /// Records a request and finds its exchange.
    pub(super) fn receive(&self, request: &Request, path: &str, query: &str, side: Side) -> Verdict {
        let mut state = lock(&self.state);
        let since_last = state.last_reply.map(|at| at.elapsed().as_millis() as u64);
        let incoming = Incoming { request, path, query, side, since_last };
        let found = state.find(&incoming);
        let body =
            if request.body.len() <= LARGEST_TEXT { request.body.clone() } else { bytes::Bytes::new() };
        let received = Received {
            method: request.method.clone(),
            target: if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") },
            headers: request.headers.clone(),
            size: request.body.len(),
            body,
            side,
            at_ms: self.started.elapsed().as_millis() as u64,
            exchange: found.as_ref().ok().map(|index| index + 1),
            closed_by_client: false,
        };
        state.bytes += received.bytes();
        state.requests.push_back(received);
        state.drop_excess();
        match found {
            Ok(index) => {
                state.steps[index].played += 1;
                Verdict::Play(state.steps[index].exchange.clone(), state.dropped + state.requests.len() - 1)
            }
            Err(problem) => {
                let problem = excerpt(&problem, LONGEST_PROBLEM);
                state.add_problem(problem.clone());
                Verdict::Refuse(problem)
            }
        }
    }

    pub(super) fn replied(&self) {
        lock(&self.state).last_reply = Some(Instant::now());
    }

    /// Records that the client closed the connection before the end of the response.
    pub(super) fn closed_by_client(&self, request: usize) {
        let mut state = lock(&self.state);
        let index = request.checked_sub(state.dropped);
        if let Some(received) = index.and_then(|index| state.requests.get_mut(index)) {
            received.closed_by_client = true;
        }
    }

    pub(super) fn add_problem(&self, problem: String) {
        lock(&self.state).add_problem(problem);
    }
}

impl State {
    fn add_problem(&mut self, problem: String) {
        if self.problems.len() < self.bounds.problems {
            self.problems.push(problem);
        }
    }

    fn drop_excess(&mut self) {
        while self.requests.len() > self.bounds.requests || self.bytes > self.bounds.bytes {
            let Some(oldest) = self.requests.pop_front() else { return };
            self.bytes -= oldest.bytes();
            self.dropped += 1;
        }
    }

    /// Returns the step for a request: the first match, without passing a step that must still occur.
    fn find(&self, incoming: &Incoming<'_>) -> Result<usize, String> {
        let mut at = 0;
        let mut differences: Vec<String> = Vec::new();
        while at < self.steps.len() {
            let unordered = self.steps[at].exchange.unordered;
            let group =
                self.steps[at..].iter().take_while(|step| unordered && step.exchange.unordered).count();
            let end = at + group.max(1);
            for (offset, step) in self.steps[at..end].iter().enumerate().filter(|(_, step)| step.can_play()) {
                let found = step.exchange.expect.differences(incoming);
                if found.is_empty() {
                    return Ok(at + offset);
                }
                let number = at + offset + 1;
                let title = step.exchange.expect.title();
                differences.push(format!("exchange {number} ({title}): {}", found.join("; ")));
            }
            if !self.steps[at..end].iter().all(Step::is_satisfied) {
                break;
            }
            at = end;
        }
        if differences.is_empty() {
            let request = incoming.request;
            return Err(format!(
                "unexpected request after the last exchange: {} {}",
                request.method, incoming.path
            ));
        }
        Err(differences.join(" | or "))
    }
}

impl Received {
    fn bytes(&self) -> usize {
        let headers = self.headers.iter().map(|(name, value)| name.len() + value.len());
        self.method.len() + self.target.len() + headers.sum::<usize>() + self.body.len()
    }

    fn view(&self) -> Raw {
        let headers =
            json::headers(self.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())));
        let body = serde_json::from_slice::<Box<RawValue>>(&self.body).ok();
        let text = std::str::from_utf8(&self.body).ok().filter(|text| !text.is_empty());
        Fields::new()
            .put("method", &self.method)
            .put("target", &self.target)
            .put("origin", self.side.name())
            .put("headers", &headers)
            .put("body_size", &self.size)
            .put_some("text", text.filter(|_| body.is_none()))
            .put_some("json", body)
            .put("at_ms", &self.at_ms)
            .put("exchange", &self.exchange)
            .put("closed_by_client", &self.closed_by_client)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(bounds: Bounds) -> Script {
        let exchange = r#"{"expect": {"text": ""}, "reply": {}, "times": "any"}"#;
        let exchange = Exchange::read(&RawValue::from_string(exchange.into()).expect("JSON"));
        let script = Script::new("r1".into(), String::new(), String::new(), vec![exchange.expect("valid")]);
        lock(&script.state).bounds = bounds;
        script
    }

    fn receive(script: &Script, value: &str, body: &'static [u8]) -> Verdict {
        let request = Request {
            method: "GET".into(),
            target: "/".into(),
            headers: vec![("a".into(), value.into())],
            body: bytes::Bytes::from_static(body),
            keep_alive: true,
        };
        script.receive(&request, "/", "", Side::Main)
    }

    fn report(script: &Script) -> serde_json::Value {
        serde_json::from_str(&script.report_json()).expect("JSON")
    }

    #[test]
    fn the_oldest_requests_are_dropped_and_counted() {
        let script = script(Bounds { requests: 3, ..Bounds::DEFAULT });
        let numbers: Vec<_> = (0..5)
            .map(|_| match receive(&script, "", b"") {
                Verdict::Play(_, number) => number,
                Verdict::Refuse(problem) => panic!("{problem}"),
            })
            .collect();
        // The first two are dropped.
        for number in [0, 1, 3] {
            script.closed_by_client(numbers[number]);
        }
        let report = report(&script);
        let requests = report["requests"].as_array().expect("requests");
        let closed: Vec<_> = requests.iter().map(|request| request["closed_by_client"] == true).collect();
        assert_eq!((closed, &report["dropped"]), (vec![false, true, false], &2.into()));
    }

    #[test]
    fn requests_are_bounded_by_their_size() {
        let script = script(Bounds { bytes: 100, ..Bounds::DEFAULT });
        // Each has 5 bytes beside these.
        for (value, body, dropped) in [
            ("a".repeat(40), &b""[..], 0),
            (String::new(), &[b'a'; 45], 0),
            ("a".into(), b"", 1),
            ("a".repeat(101), b"", 4),
            (String::new(), b"", 4),
        ] {
            receive(&script, &value, body);
            assert_eq!(report(&script)["dropped"], dropped);
        }
    }

    #[test]
    fn problems_are_bounded() {
        let script = script(Bounds { problems: 2, ..Bounds::DEFAULT });
        for _ in 0..3 {
            receive(&script, "", b"a");
        }
        let report = report(&script);
        assert_eq!((report["problems"].as_array().map(Vec::len), &report["ok"]), (Some(2), &false.into()));
    }
}
