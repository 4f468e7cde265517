//! Determines what is new in a prediction since it was last seen.

use serde::{Deserialize, Serialize};

use crate::value::{Value, text::boundary_before};

/// Bytes kept of the beginning of the logs, which show whether the API has removed it.
const HEAD: usize = 256;
/// Bytes kept of the end of the logs, which are found again after the API has removed the beginning.
const TAIL: usize = 256;
/// A shorter overlap is likely to be a coincidence.
const MIN_OVERLAP: usize = 8;

/// How far the events of a prediction have been received. Opaque, and serializable as JSON of about a kilobyte.
///
/// Each [`HandleEvent`](crate::HandleEvent) has the cursor of the moment after it.
/// [`HandleEvents::since`](crate::HandleEvents::since) continues there, in any process.
///
/// ```
/// let cursor = replicant::HandleCursor::default();
/// let text = serde_json::to_string(&cursor)?;
/// assert_eq!(serde_json::from_str::<replicant::HandleCursor>(&text)?, cursor);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HandleCursor {
    pub(super) id: String,
    pub(super) status: String,
    /// Length of the logs as last seen, in bytes, their beginning and their end.
    logs_length: u64,
    logs_head: String,
    logs_tail: String,
    /// The last reported progress.
    pub(super) current: u64,
    pub(super) total: u64,
    /// The number of output items, and the length and the checksum of their joined text.
    items: u64,
    text_length: u64,
    text_sum: u32,
    /// Whether an output that is not a list was delivered.
    complete: bool,
}

impl HandleCursor {
    /// Returns the logs that follow those already seen.
    ///
    /// The API may remove the beginning of long logs, and an old state may arrive after a new one.
    pub(super) fn new_logs<'t>(&mut self, logs: &'t str) -> &'t str {
        let (length, tail) = (size(self.logs_length), self.logs_tail.as_str());
        let begins_alike = logs.starts_with(&self.logs_head) || self.logs_head.starts_with(logs);
        let new = match logs.get(..length) {
            _ if logs.is_empty() => return "",
            Some(seen) if begins_alike && seen.ends_with(tail) => &logs[length..],
            None if begins_alike && logs.len() < length => return "",
            _ => after_overlap(logs, tail, length),
        };
        self.logs_length = logs.len() as u64;
        self.logs_head = logs[..boundary_before(logs, HEAD)].to_owned();
        self.logs_tail = logs[boundary_before(logs, logs.len().saturating_sub(TAIL))..].to_owned();
        new
    }

    /// Calls `deliver` for each new part of the output, with its index in a list, and with the cursor after it.
    pub(super) fn new_output(
        &mut self,
        output: &Value,
        ended: bool,
        deliver: &mut dyn FnMut(&Self, Option<usize>, Value),
    ) {
        match output {
            Value::Null => {}
            _ if self.complete => {}
            Value::Array(items) => {
                let seen = items.get(..size(self.items));
                if seen.is_none() && !ended {
                    // An old state. At the end, the output has really become shorter.
                    return;
                }
                if !seen.is_some_and(|seen| self.has_text(seen)) {
                    (self.items, self.text_length, self.text_sum) = (0, 0, 0);
                }
                for (index, item) in items.iter().enumerate().skip(size(self.items)) {
                    self.items += 1;
                    (self.text_length, self.text_sum) = with_item((self.text_length, self.text_sum), item);
                    deliver(self, Some(index), item.clone());
                }
            }
            // Any other output is delivered once, when it is complete.
            whole if ended => {
                let joined = whole.as_str().filter(|_| self.items > 0).and_then(|text| {
                    let (seen, rest) = text.split_at_checked(size(self.text_length))?;
                    (checksum(0, seen) == self.text_sum).then_some(rest)
                });
                let new = match joined {
                    Some("") => return,
                    Some(rest) => rest.into(),
                    None => whole.clone(),
                };
                self.complete = true;
                deliver(self, None, new);
            }
            _ => {}
        }
    }

    /// Returns `true` if items are those already seen.
    fn has_text(&self, items: &[Value]) -> bool {
        items.iter().fold((0, 0), with_item) == (self.text_length, self.text_sum)
    }

    /// Reads a cursor without the code of a second decoder, which would be a hundredth of the WebAssembly module.
    pub(super) fn of(given: &Value) -> Option<Self> {
        let text = |name: &str| given[name].as_str().unwrap_or_default().to_owned();
        let number = |name: &str| given[name].as_u64().unwrap_or_default();
        let cursor = Self {
            id: text("id"),
            status: text("status"),
            logs_length: number("logs_length"),
            logs_head: text("logs_head"),
            logs_tail: text("logs_tail"),
            current: number("current"),
            total: number("total"),
            items: number("items"),
            text_length: number("text_length"),
            text_sum: u32::try_from(number("text_sum")).unwrap_or_default(),
            complete: given["complete"].as_bool().unwrap_or_default(),
        };
        (!cursor.id.is_empty()).then_some(cursor)
    }

    pub(super) fn to_value(&self) -> Value {
        Value::from_members(vec![
            ("id", self.id.as_str().into()),
            ("status", self.status.as_str().into()),
            ("logs_length", self.logs_length.into()),
            ("logs_head", self.logs_head.as_str().into()),
            ("logs_tail", self.logs_tail.as_str().into()),
            ("current", self.current.into()),
            ("total", self.total.into()),
            ("items", self.items.into()),
            ("text_length", self.text_length.into()),
            ("text_sum", self.text_sum.into()),
            ("complete", self.complete.into()),
        ])
    }
}

/// Converts a number of a cursor, which another process or a user may have written.
fn size(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// Returns what follows `tail` in logs whose beginning was removed; all of them if the part before was removed too.
fn after_overlap<'t>(logs: &'t str, tail: &str, length: usize) -> &'t str {
    // What was seen cannot end later than before.
    let searched = &logs[..boundary_before(logs, length)];
    // Not `find`, whose code is large.
    let mut places = searched.char_indices().map(|(at, _)| at).filter(|_| !tail.is_empty());
    let found = places.find(|at| searched[*at..].starts_with(tail)).map(|at| at + tail.len()).or_else(|| {
        let starts = tail.char_indices().map(|(start, _)| &tail[start..]);
        starts.take_while(|end| end.len() >= MIN_OVERLAP).find(|end| logs.starts_with(end)).map(str::len)
    });
    &logs[found.unwrap_or_default()..]
}

fn with_item((length, sum): (u64, u32), item: &Value) -> (u64, u32) {
    match item.as_str() {
        Some(text) => (length + text.len() as u64, checksum(sum, text)),
        None => {
            let text = item.to_string();
            (length + text.len() as u64, checksum(sum, &text))
        }
    }
}

/// Continues a checksum (FNV) with a text.
fn checksum(sum: u32, text: &str) -> u32 {
    text.bytes().fold(sum, |sum, byte| (sum ^ u32::from(byte)).wrapping_mul(16_777_619))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::json;

    /// Passes a cursor through JSON, as a process does that continues after another one.
    fn restored(cursor: &HandleCursor) -> HandleCursor {
        assert_eq!(serde_json::to_value(cursor).unwrap(), serde_json::to_value(cursor.to_value()).unwrap());
        if !cursor.id.is_empty() {
            assert_eq!(HandleCursor::of(&cursor.to_value()).as_ref(), Some(cursor));
        }
        serde_json::from_str(&serde_json::to_string(cursor).unwrap()).unwrap()
    }

    fn parts(
        cursor: &mut HandleCursor,
        output: serde_json::Value,
        ended: bool,
    ) -> Vec<(Option<usize>, Value)> {
        let mut parts = Vec::new();
        cursor.new_output(&output.into(), ended, &mut |_, index, part| parts.push((index, part)));
        *cursor = restored(cursor);
        parts
    }

    proptest! {
        /// Lines are numbered: repeated text longer than the window cannot be told apart.
        #[test]
        fn logs_are_received_once_while_their_beginning_is_removed(
            polls in proptest::collection::vec((0usize..6, 1u8..40), 1..40),
            window in 700usize..4000,
        ) {
            let (mut logs, mut received, mut number) = (String::new(), String::new(), 0);
            let mut cursor = HandleCursor { id: "p1".into(), ..HandleCursor::default() };
            for (lines, width) in polls {
                for _ in 0..lines {
                    number += 1;
                    logs.push_str(&format!("{number} {}█\n", "é".repeat(usize::from(width))));
                }
                let begin = boundary_before(&logs, logs.len().saturating_sub(window));
                received.push_str(cursor.new_logs(&logs[begin..]));
                cursor = restored(&cursor);
            }
            prop_assert_eq!(received, logs);
        }

        #[test]
        fn an_old_state_of_the_logs_is_not_received_again(logs in "[ab\n]{0,300}", old in 0usize..300) {
            let mut cursor = HandleCursor::default();
            prop_assert_eq!(cursor.new_logs(&logs), logs.as_str());
            prop_assert_eq!(restored(&cursor).new_logs(&logs[..old.min(logs.len())]), "");
            let later = format!("{logs}new");
            prop_assert_eq!(cursor.new_logs(&later), "new");
        }
    }

    #[test]
    fn logs_whose_known_part_was_removed_are_received_whole() {
        let mut cursor = HandleCursor::default();
        cursor.new_logs("ok\n");
        let later = format!("{}ok\n{}", "x".repeat(500), "y".repeat(500));
        assert_eq!(cursor.new_logs(&later), later);
        let mut cursor = HandleCursor::default();
        cursor.new_logs(&"a".repeat(1000));
        assert_eq!(cursor.new_logs("entirely new"), "entirely new");
        assert_eq!(cursor.new_logs(""), "");
    }

    #[test]
    fn numbers_of_any_size_are_restored_and_skip_nothing() {
        let numbers = [1 << 31, 1 << 32, 1 << 63, u64::MAX];
        for number in numbers {
            let seen =
                HandleCursor { id: "p1".into(), current: number, total: number, ..HandleCursor::default() };
            let lengths = HandleCursor { logs_length: number, items: number, text_length: number, ..seen };
            let mut cursor = restored(&lengths);
            assert_eq!(cursor, lengths);
            assert_eq!(parts(&mut cursor, json!(["a"]), true), [(Some(0), "a".into())]);
            assert_eq!(cursor.new_logs("new"), "");
        }
        let mut given = HandleCursor { id: "p1".into(), ..HandleCursor::default() }.to_value();
        given["text_sum"] = (1u64 << 32 | 5).into();
        assert_eq!(HandleCursor::of(&given).unwrap().text_sum, 0);
    }

    #[test]
    fn each_item_is_received_once() {
        let mut cursor = HandleCursor { id: "p1".into(), ..HandleCursor::default() };
        assert_eq!(parts(&mut cursor, json!(null), false), []);
        assert_eq!(parts(&mut cursor, json!(["a"]), false), [(Some(0), "a".into())]);
        assert_eq!(parts(&mut cursor, json!(["a", 1.5]), false), [(Some(1), 1.5.into())]);
        assert_eq!(parts(&mut cursor, json!(["a"]), false), []);
        assert_eq!(parts(&mut cursor, json!(["a", 1.5, "", {}]), true).len(), 2);
        assert_eq!(parts(&mut cursor, json!(["a", 1.5, "", {}]), true), []);
    }

    #[test]
    fn replaced_items_are_received_again() {
        let mut cursor = HandleCursor::default();
        parts(&mut cursor, json!(["preview", "preview"]), false);
        let finals = [(Some(0), "final".into()), (Some(1), "final 2".into())];
        assert_eq!(parts(&mut cursor, json!(["final", "final 2"]), false), finals);
        assert_eq!(parts(&mut cursor, json!(["only"]), true), [(Some(0), "only".into())]);
    }

    #[test]
    fn an_output_that_is_no_list_is_received_when_it_is_complete() {
        let mut cursor = HandleCursor::default();
        assert_eq!(parts(&mut cursor, json!("half"), false), []);
        assert_eq!(parts(&mut cursor, json!("half of it"), true), [(None, "half of it".into())]);
        assert_eq!(parts(&mut cursor, json!("half of it"), true), []);
    }

    #[test]
    fn a_list_that_becomes_a_text_yields_the_rest_of_it() {
        let mut cursor = HandleCursor::default();
        parts(&mut cursor, json!(["né", "on"]), false);
        assert_eq!(parts(&mut cursor.clone(), json!("néon"), true), []);
        assert_eq!(parts(&mut cursor.clone(), json!("néon light"), true), [(None, " light".into())]);
        assert_eq!(parts(&mut cursor.clone(), json!("another"), true), [(None, "another".into())]);
        assert_eq!(parts(&mut cursor, json!({"text": "néon"}), true).len(), 1);
    }
}
