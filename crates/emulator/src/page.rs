//! Lists in pages, with cursors that say from which moment on to continue.

use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use url::form_urlencoded::{Serializer, parse};

use crate::call::{Call, ok};
use crate::clock::Stamp;
use crate::json::{Fields, Raw, array};
use crate::problem::Problem;

/// An item and its place in the order.
pub(crate) struct Item {
    pub(crate) at: Stamp,
    pub(crate) body: Raw,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    NewestFirst,
    OldestFirst,
}

struct Cursor {
    at: Stamp,
    /// Towards the beginning of the list.
    backwards: bool,
}

impl Cursor {
    fn read(text: &str) -> Option<Self> {
        let decoded = String::from_utf8(STANDARD.decode(text).ok()?).ok()?;
        let mut at = None;
        let mut backwards = false;
        for (name, value) in parse(decoded.as_bytes()) {
            match &*name {
                "p" => at = Stamp::parse(&value),
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

/// Answers the page the request asks for. `size` is the API's page size for this list.
pub(crate) fn page(
    call: &Call,
    mut items: Vec<Item>,
    order: Order,
    size: usize,
) -> Result<Response, Problem> {
    let size = call.app.config.page_size.unwrap_or(size).max(1);
    items.sort_by_key(|item| item.at);
    if order == Order::NewestFirst {
        items.reverse();
    }
    let cursor = match call.query("cursor") {
        Some(text) => Some(Cursor::read(text).ok_or_else(|| Problem::bad_request("Invalid cursor"))?),
        None => None,
    };
    // Cut by the cursor's moment, not by its item: that may have been deleted meanwhile.
    let is_after = |item: &Item, at: Stamp| match order {
        Order::NewestFirst => item.at < at,
        Order::OldestFirst => item.at > at,
    };
    let (start, end) = match cursor {
        None => (0, items.len().min(size)),
        Some(Cursor { at, backwards: false }) => {
            let start = items.iter().position(|item| is_after(item, at)).unwrap_or(items.len());
            (start, items.len().min(start + size))
        }
        Some(Cursor { at, backwards: true }) => {
            let before = |item: &Item| item.at != at && !is_after(item, at);
            let end = items.iter().take_while(|item| before(item)).count();
            (end.saturating_sub(size), end)
        }
    };
    let link = |at: Option<Stamp>, backwards| at.map(|at| url(call, &Cursor { at, backwards }));
    let shown = &items[start..end];
    let next = (end < items.len()).then(|| shown.last().map(|item| item.at)).flatten();
    let previous = (start > 0).then(|| shown.first().map(|item| item.at)).flatten();
    let body = Fields::new()
        .put("previous", &link(previous, true))
        .put("next", &link(next, false))
        .put("results", &array(shown.iter().map(|item| &item.body)))
        .finish();
    Ok(ok(body))
}

/// The same request with another cursor.
fn url(call: &Call, cursor: &Cursor) -> String {
    let others = call.query.iter().filter(|(name, _)| name != "cursor");
    let query =
        Serializer::new(String::new()).extend_pairs(others).append_pair("cursor", &cursor.write()).finish();
    format!("{}{}?{query}", call.origin, call.path)
}
