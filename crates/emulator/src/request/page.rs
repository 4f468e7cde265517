//! Pages of lists. A cursor is the timestamp that the page starts after.

use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use url::form_urlencoded::{Serializer, parse};

use super::call::{Call, ok};
use crate::http::problem::Problem;
use crate::support::json::{Fields, Raw, array};
use crate::support::time::Timestamp;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    NewestFirst,
    OldestFirst,
}

struct Cursor {
    at: Timestamp,
    /// Whether the page ends before `at` instead of starting after it.
    backwards: bool,
}

impl Cursor {
    fn read(text: &str) -> Option<Self> {
        let decoded = String::from_utf8(STANDARD.decode(text).ok()?).ok()?;
        let mut at = None;
        let mut backwards = false;
        for (name, value) in parse(decoded.as_bytes()) {
            match &*name {
                "p" => at = Timestamp::parse(&value),
                "r" => backwards = value == "1",
                _ => {}
            }
        }
        Some(Self { at: at?, backwards })
    }

    fn write(&self) -> String {
        let mut text = Serializer::new(String::new());
        if self.backwards {
            text.append_pair("r", "1");
        }
        let moment = self.at.rfc3339(6).replace('T', " ").replace('Z', "+00:00");
        STANDARD.encode(text.append_pair("p", &moment).finish())
    }
}

/// Responds with the requested page. `at` returns the sort key of an item, and `view` its JSON, which only the items of
/// the page need. `size` is the page size of the API for this list.
pub(crate) fn page<T>(
    call: &Call,
    mut items: Vec<T>,
    at: impl Fn(&T) -> Timestamp,
    view: impl Fn(&T) -> Raw,
    order: Order,
    size: usize,
) -> Result<Response, Problem> {
    let size = call.app.config.page_size.unwrap_or(size).max(1);
    items.sort_by_key(&at);
    if order == Order::NewestFirst {
        items.reverse();
    }
    let cursor = match call.query("cursor") {
        Some(text) => Some(Cursor::read(text).ok_or_else(|| Problem::bad_request("Invalid cursor"))?),
        None => None,
    };
    // Compares timestamps, as the item that the cursor comes from may have been deleted.
    let is_after = |item: &T, moment: Timestamp| match order {
        Order::NewestFirst => at(item) < moment,
        Order::OldestFirst => at(item) > moment,
    };
    let (start, end) = match cursor {
        None => (0, items.len().min(size)),
        Some(Cursor { at: moment, backwards: false }) => {
            let start = items.partition_point(|item| !is_after(item, moment));
            (start, items.len().min(start + size))
        }
        Some(Cursor { at: moment, backwards: true }) => {
            let end = items.partition_point(|item| at(item) != moment && !is_after(item, moment));
            (end.saturating_sub(size), end)
        }
    };
    let link = |at: Option<Timestamp>, backwards| at.map(|at| url(call, &Cursor { at, backwards }));
    let shown = &items[start..end];
    let next = (end < items.len()).then(|| shown.last().map(&at)).flatten();
    let previous = (start > 0).then(|| shown.first().map(&at)).flatten();
    let body = Fields::new()
        .put("previous", &link(previous, true))
        .put("next", &link(next, false))
        .put("results", &array(&shown.iter().map(view).collect::<Vec<_>>()))
        .finish();
    Ok(ok(body))
}

/// Returns the URL of the request with another cursor.
fn url(call: &Call, cursor: &Cursor) -> String {
    let others = call.query.iter().filter(|(name, _)| name != "cursor");
    let query =
        Serializer::new(String::new()).extend_pairs(others).append_pair("cursor", &cursor.write()).finish();
    format!("{}{}?{query}", call.origin, call.path)
}
