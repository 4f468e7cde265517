//! Server-sent events.

use serde::{Deserialize, Serialize};

/// An event of a stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Event {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) event: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<String>,
    pub(super) data: String,
}

impl Event {
    /// Parses the lines of an event. Returns `None` for a comment.
    pub(super) fn parse(block: &str) -> Option<Self> {
        let (mut event, mut id, mut data) = (None, None, Vec::new());
        for line in block.lines() {
            let (name, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match name {
                "event" => event = Some(value.to_owned()),
                "id" => id = Some(value.to_owned()),
                "data" => data.push(value),
                _ => {}
            }
        }
        let is_empty = event.is_none() && id.is_none() && data.is_empty();
        (!is_empty).then(|| Self { event, id, data: data.join("\n") })
    }

    /// Returns the event in wire format.
    pub(super) fn wire(&self) -> String {
        let mut wire = String::new();
        for (name, value) in [("event", &self.event), ("id", &self.id)] {
            if let Some(value) = value {
                wire += &format!("{name}: {value}\n");
            }
        }
        for line in self.data.split('\n') {
            wire += &format!("data: {line}\n");
        }
        wire + "\n"
    }
}

/// Collects bytes of a stream and splits them into events.
#[derive(Default)]
pub(super) struct Splitter(Vec<u8>);

impl Splitter {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// Returns the lines of the next event, with the empty line that ends it.
    pub(super) fn next(&mut self) -> Option<String> {
        let mut at = 0;
        let end = loop {
            at += self.0[at..].iter().position(|byte| *byte == b'\n')? + 1;
            match &self.0[at..] {
                [b'\n', ..] => break at + 1,
                [b'\r', b'\n', ..] => break at + 2,
                _ => {}
            }
        };
        let rest = self.0.split_off(end);
        let block = std::mem::replace(&mut self.0, rest);
        Some(String::from_utf8_lossy(&block).into_owned())
    }

    /// Returns what has arrived of an event without its end.
    pub(super) fn rest(&mut self) -> String {
        String::from_utf8_lossy(&std::mem::take(&mut self.0)).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_split_wherever_the_bytes_are() {
        let wire = ": hi\n\nevent: output\r\nid: 1:0\r\ndata: a\r\ndata:  b\r\n\r\ndata: ä\n\nevent: do";
        for size in 1..wire.len() {
            let mut splitter = Splitter::default();
            let mut events = Vec::new();
            for bytes in wire.as_bytes().chunks(size) {
                splitter.push(bytes);
                while let Some(block) = splitter.next() {
                    events.extend(Event::parse(&block));
                }
            }
            let output = Event { event: Some("output".into()), id: Some("1:0".into()), data: "a\n b".into() };
            let plain = Event { event: None, id: None, data: "ä".into() };
            assert_eq!(events, [output, plain]);
            assert_eq!(splitter.rest(), "event: do");
        }
    }

    #[test]
    fn an_event_is_what_its_wire_format_says() {
        let event = Event { event: Some("output".into()), id: None, data: "a\n\n b".into() };
        assert_eq!(event.wire(), "event: output\ndata: a\ndata: \ndata:  b\n\n");
        assert_eq!(Event::parse(&event.wire()), Some(event));
    }
}
