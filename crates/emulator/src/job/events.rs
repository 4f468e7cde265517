//! The events of a prediction's stream, kept so that a client can resume.

use super::Status;
use crate::support::json::{Fields, Raw};
use crate::support::time::Timestamp;

/// An event in wire format.
pub(crate) struct Event {
    id: Option<String>,
    pub(crate) wire: String,
}

/// All events of a job.
#[derive(Default)]
pub(crate) struct EventLog {
    events: Vec<Event>,
    finished: bool,
    removed: bool,
    second: u64,
    in_second: u64,
}

impl EventLog {
    /// Returns the log of a job whose data have been removed: it stays empty and open.
    pub(crate) fn removed() -> Self {
        Self { removed: true, ..Self::default() }
    }

    pub(crate) fn is_finished(&self) -> bool {
        self.finished && !self.removed
    }

    /// Returns the number of events.
    pub(crate) fn len(&self) -> usize {
        self.events.len()
    }

    /// Returns the events from position `from` on.
    pub(crate) fn from(&self, from: usize) -> &[Event] {
        self.events.get(from..).unwrap_or_default()
    }

    /// Returns the position after the event with this id, or 0 if there is none.
    pub(crate) fn position_after(&self, id: &str) -> usize {
        let same = |event: &Event| event.id.as_deref() == Some(id);
        self.events.iter().position(same).map_or(0, |at| at + 1)
    }

    pub(crate) fn output(&mut self, item: &Raw, now: Timestamp) {
        // A string is sent as text, any other value as JSON.
        let text = serde_json::from_str::<String>(item.get()).unwrap_or_else(|_| item.get().to_owned());
        self.push("output", &text, Some(now));
    }

    /// Adds an output that was set as a whole; a list becomes one event per item.
    pub(crate) fn whole_output(&mut self, value: &Raw, now: Timestamp) {
        match serde_json::from_str::<Vec<Raw>>(value.get()) {
            Ok(items) => items.iter().for_each(|item| self.output(item, now)),
            Err(_) => self.output(value, now),
        }
    }

    pub(crate) fn logs(&mut self, text: &str, now: Timestamp) {
        self.push("logs", text.strip_suffix('\n').unwrap_or(text), Some(now));
    }

    pub(crate) fn error(&mut self, detail: &str, now: Timestamp) {
        let body = Fields::new().put("detail", detail).finish();
        self.push("error", body.get(), Some(now));
    }

    pub(crate) fn done(&mut self, status: Status) {
        let body = match status {
            Status::Canceled | Status::Aborted => r#"{"reason": "canceled"}"#,
            Status::Failed => r#"{"reason": "error"}"#,
            _ => "{}",
        };
        self.push("done", body, None);
        self.finished = true;
    }

    fn push(&mut self, name: &str, text: &str, now: Option<Timestamp>) {
        let id = now.map(|now| {
            let second = now.seconds();
            self.in_second = if second == self.second { self.in_second + 1 } else { 0 };
            self.second = second;
            format!("{second}:{}", self.in_second)
        });
        let mut wire = format!("event: {name}\n");
        if let Some(id) = &id {
            wire += &format!("id: {id}\n");
        }
        // A carriage return also ends a line of an event stream, so the data cannot contain one.
        for line in text.replace("\r\n", "\n").split(['\n', '\r']) {
            wire += &format!("data: {line}\n");
        }
        wire.push('\n');
        self.events.push(Event { id, wire });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::json::raw;

    fn at(seconds: u64) -> Timestamp {
        Timestamp(seconds * 1_000_000)
    }

    #[test]
    fn event_ids_count_within_a_second() {
        let mut log = EventLog::default();
        log.output(&raw("a\nb"), at(7));
        log.output(&raw(""), at(7));
        log.output(&raw(&[1]), at(8));
        log.done(Status::Succeeded);
        let wire: String = log.from(0).iter().map(|event| event.wire.as_str()).collect();
        assert_eq!(
            wire,
            "event: output\nid: 7:0\ndata: a\ndata: b\n\nevent: output\nid: 7:1\ndata: \n\n\
             event: output\nid: 8:0\ndata: [1]\n\nevent: done\ndata: {}\n\n"
        );
        assert_eq!(log.position_after("7:1"), 2);
        assert_eq!(log.position_after("6:9"), 0);
    }
}
