//! A run of scripted exchanges: which comes next, what went wrong.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use serde_json::value::RawValue;

use super::Side;
use super::exchange::{Exchange, Times};
use super::expect::Arrival;
use super::request::Request;
use crate::app::lock;
use crate::json::{Fields, Raw, array};

const LARGEST_TEXT: usize = 1 << 20;

/// Scripted exchanges being played, from [`Emulator::replay`](crate::Emulator::replay).
///
/// ```
/// use replicant_emulator::{Config, Emulator};
///
/// let emulator = Emulator::start(Config::default())?;
/// let script = emulator.replay(r#"{"exchanges": [{"expect": {"method": "GET"}, "reply": {"json": {}}}]}"#);
/// let script = script.expect("a case");
/// // Nobody has asked yet.
/// assert_eq!(script.problems().len(), 1);
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
    steps: Vec<Step>,
    problems: Vec<String>,
    requests: Vec<Received>,
    last_answer: Option<Instant>,
}

struct Step {
    exchange: Arc<Exchange>,
    played: u32,
}

impl Step {
    /// Whether it has been played as often as it must.
    fn is_satisfied(&self) -> bool {
        match self.exchange.times {
            Times::Exactly(times) => self.played >= times,
            Times::Any(_) => true,
        }
    }

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

/// What to do about a request.
pub(super) enum Verdict {
    /// Play this reply; the number is the request's place in the report.
    Play(Arc<Exchange>, usize),
    /// Nothing expected looks like it.
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
                steps: exchanges.into_iter().map(step).collect(),
                problems: Vec::new(),
                requests: Vec::new(),
                last_answer: None,
            }),
        }
    }

    /// Address to give a client as its base URL.
    ///
    /// ```
    /// use replicant_emulator::{Config, Emulator};
    ///
    /// let emulator = Emulator::start(Config::default())?;
    /// let script = emulator.replay(r#"{"exchanges": [{"expect": {"method": "GET"}, "reply": {"json": {}}}]}"#);
    /// let script = script.expect("a case");
    /// assert!(script.base_url().starts_with(script.origin()));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn base_url(&self) -> String {
        format!("{}/v1", self.origin)
    }

    /// Address below which the script is played.
    ///
    /// ```
    /// use replicant_emulator::{Config, Emulator};
    ///
    /// let emulator = Emulator::start(Config::default())?;
    /// let script = emulator.replay(r#"{"exchanges": [{"expect": {"method": "GET"}, "reply": {"json": {}}}]}"#);
    /// let script = script.expect("a case");
    /// println!("{{{{origin}}}} stands for {}", script.origin());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The same on the second listener, which is another origin.
    ///
    /// ```
    /// use replicant_emulator::{Config, Emulator};
    ///
    /// let emulator = Emulator::start(Config::default())?;
    /// let script = emulator.replay(r#"{"exchanges": [{"expect": {"method": "GET"}, "reply": {"json": {}}}]}"#);
    /// let script = script.expect("a case");
    /// assert_ne!(script.other_origin(), script.origin());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn other_origin(&self) -> &str {
        &self.other
    }

    /// How it went so far, as JSON text: `{"ok", "problems", "remaining", "requests"}`.
    ///
    /// ```
    /// use replicant_emulator::{Config, Emulator};
    ///
    /// let emulator = Emulator::start(Config::default())?;
    /// let script = emulator.replay(r#"{"exchanges": [{"expect": {"method": "GET"}, "reply": {"json": {}}}]}"#);
    /// let script = script.expect("a case");
    /// assert!(script.report_json().contains("\"ok\""));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn report_json(&self) -> String {
        self.report().get().to_owned()
    }

    /// What went wrong so far, and what has not come yet. Empty when all went as scripted.
    ///
    /// ```
    /// use replicant_emulator::{Config, Emulator};
    ///
    /// let emulator = Emulator::start(Config::default())?;
    /// let script = emulator.replay(r#"{"exchanges": [{"expect": {"method": "GET"}, "reply": {"json": {}}}]}"#);
    /// let script = script.expect("a case");
    /// for problem in script.problems() {
    ///     println!("{problem}");
    /// }
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn problems(&self) -> Vec<String> {
        let state = lock(&self.state);
        let mut problems = state.problems.clone();
        for (index, step) in state.steps.iter().enumerate().filter(|(_, step)| !step.is_satisfied()) {
            problems.push(format!("exchange {}: {} has not come", index + 1, step.exchange.expect.title()));
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
            .finish()
    }

    /// Finds the exchange a request belongs to.
    pub(super) fn receive(&self, request: &Request, path: &str, query: &str, side: Side) -> Verdict {
        let mut state = lock(&self.state);
        let since_last = state.last_answer.map(|at| at.elapsed().as_millis() as u64);
        let arrival = Arrival { request, path, query, side, since_last };
        let found = state.find(&arrival);
        state.requests.push(Received {
            method: request.method.clone(),
            target: if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") },
            headers: request.headers.clone(),
            size: request.body.len(),
            body: if request.body.len() <= LARGEST_TEXT { request.body.clone() } else { bytes::Bytes::new() },
            side,
            at_ms: self.started.elapsed().as_millis() as u64,
            exchange: found.as_ref().ok().map(|index| index + 1),
            closed_by_client: false,
        });
        match found {
            Ok(index) => {
                state.steps[index].played += 1;
                Verdict::Play(state.steps[index].exchange.clone(), state.requests.len() - 1)
            }
            Err(problem) => {
                state.problems.push(problem.clone());
                Verdict::Refuse(problem)
            }
        }
    }

    pub(super) fn answered(&self) {
        lock(&self.state).last_answer = Some(Instant::now());
    }

    /// Notes that the client closed the connection before the answer was complete.
    pub(super) fn closed_by_client(&self, request: usize) {
        if let Some(received) = lock(&self.state).requests.get_mut(request) {
            received.closed_by_client = true;
        }
    }

    pub(super) fn add_problem(&self, problem: String) {
        lock(&self.state).problems.push(problem);
    }
}

impl State {
    /// The step to play: the first that has something left, or, passing over steps that need no more, a later one.
    fn find(&self, arrival: &Arrival<'_>) -> Result<usize, String> {
        let mut at = 0;
        let mut differences: Vec<String> = Vec::new();
        while at < self.steps.len() {
            let unordered = self.steps[at].exchange.unordered;
            let group =
                self.steps[at..].iter().take_while(|step| unordered && step.exchange.unordered).count();
            let end = at + group.max(1);
            for (offset, step) in self.steps[at..end].iter().enumerate().filter(|(_, step)| step.can_play()) {
                let found = step.exchange.expect.differences(arrival);
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
            let request = arrival.request;
            return Err(format!(
                "unexpected request after the last exchange: {} {}",
                request.method, arrival.path
            ));
        }
        Err(differences.join(" | or "))
    }
}

impl Received {
    fn view(&self) -> Raw {
        let mut headers = indexmap::IndexMap::<&str, String>::new();
        for (name, value) in &self.headers {
            headers
                .entry(name)
                .and_modify(|all| *all = format!("{all}, {value}"))
                .or_insert_with(|| value.clone());
        }
        let json = serde_json::from_slice::<Box<RawValue>>(&self.body).ok();
        let text = std::str::from_utf8(&self.body).ok().filter(|text| !text.is_empty());
        Fields::new()
            .put("method", &self.method)
            .put("target", &self.target)
            .put("origin", self.side.name())
            .put("headers", &headers)
            .put("body_size", &self.size)
            .put_some("text", text.filter(|_| json.is_none()))
            .put_some("json", json)
            .put("at_ms", &self.at_ms)
            .put("exchange", &self.exchange)
            .put("closed_by_client", &self.closed_by_client)
            .finish()
    }
}
