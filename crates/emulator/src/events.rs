//! The events of a prediction's stream, kept so that a client can come back and continue.

use crate::clock::Stamp;
use crate::job::Status;
use crate::json::{Fields, Raw};

/// One event in wire form.
pub(crate) struct Event {
    id: Option<String>,
    pub(crate) wire: String,
}

/// All events of a job so far.
#[derive(Default)]
pub(crate) struct EventLog {
    events: Vec<Event>,
    finished: bool,
    gone: bool,
    second: u64,
    in_second: u64,
}

impl EventLog {
    /// The log of a job whose data have been removed: nothing ever comes.
    pub(crate) fn gone() -> Self {
        Self { gone: true, ..Self::default() }
    }

    pub(crate) fn is_finished(&self) -> bool {
        self.finished && !self.gone
    }

    /// The events from position `from` on.
    pub(crate) fn from(&self, from: usize) -> &[Event] {
        self.events.get(from..).unwrap_or_default()
    }

    /// The position after the event with this id. An unknown id starts from the beginning.
    pub(crate) fn position_after(&self, id: &str) -> usize {
        let same = |event: &Event| event.id.as_deref() == Some(id);
        self.events.iter().position(same).map_or(0, |at| at + 1)
    }

    pub(crate) fn output(&mut self, item: &Raw, now: Stamp) {
        // A string is sent as its text; anything else has no text but its JSON.
        let text = serde_json::from_str::<String>(item.get()).unwrap_or_else(|_| item.get().to_owned());
        self.push("output", &text, Some(now));
    }

    /// An output that came at once: a list is sent item by item.
    pub(crate) fn whole_output(&mut self, value: &Raw, now: Stamp) {
        match serde_json::from_str::<Vec<Raw>>(value.get()) {
            Ok(items) => items.iter().for_each(|item| self.output(item, now)),
            Err(_) => self.output(value, now),
        }
    }

    pub(crate) fn logs(&mut self, text: &str, now: Stamp) {
        self.push("logs", text.strip_suffix('\n').unwrap_or(text), Some(now));
    }

    pub(crate) fn error(&mut self, detail: &str, now: Stamp) {
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

    fn push(&mut self, name: &str, text: &str, now: Option<Stamp>) {
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
        // A lone carriage return ends a line of an event stream too, and cannot be sent any other way.
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
    use crate::json::raw;

    fn stamp(seconds: u64) -> Stamp {
        Stamp(seconds * 1_000_000)
    }

    #[test]
    fn numbers_events_within_a_second() {
        let mut log = EventLog::default();
        log.output(&raw("a\nb"), stamp(7));
        log.output(&raw(""), stamp(7));
        log.output(&raw(&[1]), stamp(8));
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
