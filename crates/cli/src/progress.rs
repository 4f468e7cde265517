//! The line on a terminal that shows what a prediction does.

use std::{
    fmt::Write as _,
    io::{self, Write},
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use replicant::{Progress as Bar, Value, bindings::lock};

use crate::output::{printable, shows_notes};

const REDRAW: Duration = Duration::from_millis(200);
const WIDTH: usize = 20;

/// A line on standard error, drawn only if that is a terminal.
#[derive(Clone)]
pub(crate) struct Progress {
    is_shown: bool,
    state: Arc<Mutex<State>>,
}

struct State {
    since: Instant,
    id: String,
    status: String,
    fraction: Option<f64>,
    is_drawn: bool,
    is_over: bool,
}

impl Progress {
    pub fn new() -> Self {
        let state = State {
            since: Instant::now(),
            id: String::new(),
            status: "creating".into(),
            fraction: None,
            is_drawn: false,
            is_over: false,
        };
        Self { is_shown: shows_notes(), state: Arc::new(Mutex::new(state)) }
    }

    /// Takes the state of a prediction.
    pub fn see(&self, prediction: &Value) {
        let mut state = self.state();
        state.id = prediction["id"].as_str().unwrap_or_default().to_owned();
        state.status = prediction["status"].as_str().unwrap_or_default().to_owned();
        self.see_logs(&mut state, prediction["logs"].as_str());
    }

    /// Takes the logs of a running prediction.
    pub fn logs(&self, logs: &str) {
        let mut state = self.state();
        state.status = "processing".into();
        self.see_logs(&mut state, Some(logs));
    }

    fn see_logs(&self, state: &mut State, logs: Option<&str>) {
        if self.is_shown
            && let Some(bar) = logs.and_then(Bar::parse)
        {
            state.fraction = Some(bar.percentage.clamp(0.0, 1.0));
        }
    }

    /// Redraws the line until `work` is done, then removes it.
    pub async fn during<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        while self.is_shown && !self.state().is_over {
            match tokio::time::timeout(REDRAW, &mut work).await {
                Ok(result) => {
                    self.clear();
                    return result;
                }
                Err(_) => self.draw(),
            }
        }
        work.await
    }

    /// Draws a line of its own.
    pub fn show(&self, line: &str) {
        let mut state = self.state();
        if self.is_shown && !state.is_over {
            state.is_drawn = true;
            write(&format!("\r{}\x1b[K", printable(line)));
        }
    }

    /// Removes the line permanently, for example when the output begins.
    pub fn end(&self) {
        self.clear();
        self.state().is_over = true;
    }

    /// Removes the line.
    pub fn clear(&self) {
        let mut state = self.state();
        if state.is_drawn {
            state.is_drawn = false;
            write("\r\x1b[K");
        }
    }

    fn draw(&self) {
        let mut state = self.state();
        if !state.is_over {
            state.is_drawn = true;
            write(&format!("\r{}\x1b[K", state.line(state.since.elapsed())));
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

impl State {
    fn line(&self, elapsed: Duration) -> String {
        let mut line = format!("{} {} {} s", self.id, self.status, elapsed.as_secs());
        if let Some(fraction) = self.fraction {
            let filled = (fraction * WIDTH as f64) as usize;
            let bar = "#".repeat(filled) + &"-".repeat(WIDTH - filled);
            let _ = write!(line, " [{bar}] {:.0} %", fraction * 100.0);
        }
        printable(line.trim_start()).into_owned()
    }
}

fn write(text: &str) {
    let mut stderr = io::stderr().lock();
    let _ = stderr.write_all(text.as_bytes());
    let _ = stderr.flush();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_has_the_id_the_status_the_time_and_a_bar() {
        let progress = Progress { is_shown: true, ..Progress::new() };
        let logs = "seed 1\n 50%|#####     | 5/10 [00:01<00:01]";
        let prediction = replicant::json!({"id": "4b2q8m", "status": "processing", "logs": logs});
        progress.see(&prediction.into());
        let line = progress.state().line(Duration::from_secs(3));
        assert_eq!(line, "4b2q8m processing 3 s [##########----------] 50 %");
    }
}
