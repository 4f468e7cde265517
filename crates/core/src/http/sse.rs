//! Parses server-sent events (WHATWG HTML standard). No I/O.

use std::collections::VecDeque;

/// One event as sent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct RawEvent {
    /// The `event` field, `message` by default.
    pub event: String,
    /// The `data` lines, joined by line feeds.
    pub data: String,
    /// The last event id of the stream so far.
    pub id: Option<String>,
    /// Whether this event itself has an `id` field.
    pub own_id: bool,
    /// The `retry` field: a reconnection time in milliseconds.
    pub retry: Option<u64>,
}

/// An incremental parser. Chunks may end anywhere, even inside a character.
#[derive(Debug, Default)]
pub(crate) struct Parser {
    /// The incomplete last line.
    line: Vec<u8>,
    /// Whether the last byte was a carriage return, so that a following line feed belongs to it.
    after_cr: bool,
    started: bool,
    event: String,
    data: String,
    has_data: bool,
    /// The `retry` field of this block.
    own_retry: Option<u64>,
    retry: Option<u64>,
    /// The `id` field of this block, if `own_id`. Otherwise its capacity is reused.
    id: String,
    own_id: bool,
    last_id: String,
    ready: VecDeque<RawEvent>,
}

impl Parser {
    /// Parses the next chunk of the body.
    pub fn push(&mut self, mut bytes: &[u8]) {
        if self.after_cr && !bytes.is_empty() {
            self.after_cr = false;
            bytes = bytes.strip_prefix(b"\n").unwrap_or(bytes);
        }
        while let Some(at) = memchr::memchr2(b'\r', b'\n', bytes) {
            if self.line.is_empty() {
                self.take_line(&bytes[..at]);
            } else {
                let mut line = std::mem::take(&mut self.line);
                line.extend_from_slice(&bytes[..at]);
                self.take_line(&line);
                line.clear();
                self.line = line;
            }
            let was_cr = bytes[at] == b'\r';
            bytes = &bytes[at + 1..];
            if was_cr {
                if bytes.is_empty() {
                    self.after_cr = true;
                }
                bytes = bytes.strip_prefix(b"\n").unwrap_or(bytes);
            }
        }
        self.line.extend_from_slice(bytes);
    }

    /// Returns the next complete event.
    pub fn next(&mut self) -> Option<RawEvent> {
        self.ready.pop_front()
    }

    /// Returns the size of the incomplete event, in bytes.
    pub fn pending(&self) -> usize {
        self.line.len() + self.data.len()
    }

    /// Returns the last event id of the stream, which a block without data may set too.
    pub fn last_id(&self) -> Option<&str> {
        Some(self.last_id.as_str()).filter(|id| !id.is_empty())
    }

    /// Returns the reconnection time of the stream in milliseconds, if a `retry` field has set it.
    pub fn retry(&self) -> Option<u64> {
        self.retry
    }

    /// Discards an incomplete event, before a new connection. Keeps the last event id and the reconnection time.
    pub fn restart(&mut self) {
        *self = Self {
            last_id: std::mem::take(&mut self.last_id),
            retry: self.retry,
            ready: std::mem::take(&mut self.ready),
            ..Self::default()
        };
    }

    fn take_line(&mut self, line: &[u8]) {
        let mut line = line;
        if !self.started {
            self.started = true;
            line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        }
        if line.is_empty() {
            self.dispatch();
            return;
        }
        let (field, value) = match memchr::memchr(b':', line) {
            Some(0) => return,
            Some(at) => {
                let value = &line[at + 1..];
                (&line[..at], value.strip_prefix(b" ").unwrap_or(value))
            }
            None => (line, &b""[..]),
        };
        match field {
            b"data" => {
                let text = String::from_utf8_lossy(value);
                if self.has_data {
                    self.data.push('\n');
                    self.data.push_str(&text);
                } else {
                    // Usually the only line, so it is not copied into a buffer with spare capacity.
                    self.data = text.into_owned();
                }
                self.has_data = true;
            }
            b"event" => self.event = String::from_utf8_lossy(value).into_owned(),
            // Transports may refuse to send another id back as `last-event-id`.
            b"id" if value.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\t')) => {
                self.id.clear();
                self.id.push_str(&String::from_utf8_lossy(value));
                self.own_id = true;
            }
            b"retry" if !value.is_empty() && value.iter().all(u8::is_ascii_digit) => {
                self.own_retry = std::str::from_utf8(value).ok().and_then(|digits| digits.parse().ok());
                self.retry = self.own_retry.or(self.retry);
            }
            _ => {}
        }
    }

    fn dispatch(&mut self) {
        let event = std::mem::take(&mut self.event);
        let retry = self.own_retry.take();
        let own_id = std::mem::take(&mut self.own_id);
        if own_id {
            std::mem::swap(&mut self.id, &mut self.last_id);
        }
        if !std::mem::take(&mut self.has_data) {
            return;
        }
        let event = if event.is_empty() { "message".to_owned() } else { event };
        let id = self.last_id().map(str::to_owned);
        self.ready.push_back(RawEvent { event, data: std::mem::take(&mut self.data), id, own_id, retry });
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(chunks: &[&[u8]]) -> Vec<RawEvent> {
        let mut parser = Parser::default();
        let mut events = Vec::new();
        for chunk in chunks {
            parser.push(chunk);
            events.extend(std::iter::from_fn(|| parser.next()));
        }
        events
    }

    fn data(text: &str) -> Vec<String> {
        parse(&[text.as_bytes()]).into_iter().map(|event| event.data).collect()
    }

    #[test]
    fn parses_fields_with_any_line_ending() {
        for end in ["\n", "\r", "\r\n"] {
            let text = [
                ": hi",
                "event: output",
                "id: 1:0",
                "data: a",
                "data:b",
                "data",
                "retry: 30",
                "",
                "data: c",
                "",
                "",
            ]
            .join(end);
            let events = parse(&[text.as_bytes()]);
            assert_eq!(
                events,
                [
                    RawEvent {
                        event: "output".into(),
                        data: "a\nb\n".into(),
                        id: Some("1:0".into()),
                        own_id: true,
                        retry: Some(30)
                    },
                    RawEvent {
                        event: "message".into(),
                        data: "c".into(),
                        id: Some("1:0".into()),
                        own_id: false,
                        retry: None
                    },
                ],
                "{end:?}"
            );
        }
    }

    #[test]
    fn follows_the_standard_in_edge_cases() {
        assert_eq!(data("\u{feff}data: x\n\n"), ["x"], "a byte order mark");
        assert_eq!(
            data("data\n\ndata\ndata\n\ndata:"),
            ["", "\n"],
            "empty data; the last event is incomplete"
        );
        assert_eq!(data("data:test\n\ndata:  test\n\n"), ["test", " test"], "one leading space is removed");
        assert_eq!(data("event: x\n\ndata: y\n\n"), ["y"], "no data, no event");
        assert_eq!(parse(&[b"event: x\n\ndata: y\n\n"])[0].event, "message", "the name applies to one event");
        let nul = parse(&[b"id: a\ndata: 1\n\nid: b\0\ndata: 2\n\nid\ndata: 3\n\n"]);
        assert_eq!(
            nul.iter().map(|event| event.id.as_deref()).collect::<Vec<_>>(),
            [Some("a"), Some("a"), None]
        );
        let control = parse(&[b"id: a\ndata: 1\n\nid: b\x01\ndata: 2\n\nid: \tc\ndata: 3\n\n"]);
        assert_eq!(
            control.iter().map(|event| event.id.as_deref()).collect::<Vec<_>>(),
            [Some("a"), Some("a"), Some("\tc")]
        );
        assert_eq!(parse(&[b"retry: 1x\ndata: 1\n\n"])[0].retry, None);
        assert_eq!(data("data: \u{fffd}\n\n").concat(), parse(&[b"data: \xff\n\n"])[0].data, "invalid UTF-8");
    }

    #[test]
    fn a_block_without_data_sets_the_last_event_id_and_the_reconnection_time() {
        let mut parser = Parser::default();
        parser.push(b"retry: 5000\n\nid: 1\n\nid: 2\ndata: x\n");
        assert_eq!((parser.next(), parser.last_id(), parser.retry()), (None, Some("1"), Some(5000)));
        parser.restart();
        parser.push(b"data: y\n\n");
        let event = parser.next().unwrap();
        assert_eq!((event.id.as_deref(), event.own_id, event.retry), (Some("1"), false, None));
        assert_eq!(parser.retry(), Some(5000));
        parser.push(b"id\n\n");
        assert_eq!(parser.last_id(), None);
    }

    proptest! {
        #[test]
        fn any_chunking_gives_the_same_events(
            lines in prop::collection::vec(
                prop_oneof![
                    Just(String::new()), Just(": note".to_owned()), Just("\u{feff}data: bom".to_owned()),
                    "(data|event|id|retry|x)?:? ?[a-z0-9é🦩:]{0,6}",
                ], 0..30),
            ends in prop::collection::vec(prop_oneof![Just("\n"), Just("\r"), Just("\r\n")], 30),
            cuts in prop::collection::vec(0usize..400, 0..40),
        ) {
            let text: String = lines.iter().zip(&ends).flat_map(|(line, end)| [line.as_str(), end]).collect();
            let whole = parse(&[text.as_bytes()]);
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let chunks: Vec<&[u8]> = cuts.windows(2).map(|pair| &text.as_bytes()[pair[0]..pair[1]]).collect();
            prop_assert_eq!(&parse(&chunks), &whole);
            let bytes: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
            prop_assert_eq!(&parse(&bytes), &whole);
        }

        #[test]
        fn any_bytes_give_the_same_events_in_any_chunks(
            bytes in prop::collection::vec(
                prop_oneof![Just(b'\n'), Just(b'\r'), Just(b':'), Just(b' '), Just(0xef), Just(0xbb), Just(0xbf), any::<u8>()],
                0..200,
            ),
            cut in 0usize..200,
        ) {
            let whole = parse(&[&bytes]);
            let (one, other) = bytes.split_at(cut.min(bytes.len()));
            prop_assert_eq!(&parse(&[one, other]), &whole);
            let single: Vec<&[u8]> = bytes.chunks(1).collect();
            prop_assert_eq!(&parse(&single), &whole);
        }
    }
}
