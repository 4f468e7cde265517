//! Inputs and outputs: text, images, sounds and other files, or JSON.

use std::cell::Cell;

use maud::{Markup, html};
use serde_json::Value;
use url::Url;

use crate::state::App;
use crate::support::excerpt::cut;

// More would make a page slow. The API has the rest.
const MOST_TEXT: usize = 100_000;
const MOST_INLINE: usize = 4_000_000;
const MOST_ITEMS: usize = 200;
const DEEPEST: usize = 4;
const SCROLLING_LENGTH: usize = 1000;
const SCROLLING_LINES: usize = 15;

/// Shows a value. `name` describes it to those who do not see a picture.
pub(super) fn show(app: &App, name: &str, value: &Value) -> Markup {
    show_at(app, name, value, DEEPEST, &Cell::new(MOST_ITEMS))
}

/// Shows a value with at most this many levels and members of objects. Values beyond these limits are shown as JSON.
fn show_at(app: &App, name: &str, value: &Value, levels: usize, left: &Cell<usize>) -> Markup {
    match value {
        Value::String(string) => text_or_file(app, name, string),
        Value::Array(items) if !items.is_empty() && items.iter().all(|item| is_file(app, item)) => html! {
            @for (index, item) in items.iter().take(MOST_ITEMS).enumerate() {
                (show(app, &format!("{name} {}", index + 1), item))
            }
            @match items.len().saturating_sub(MOST_ITEMS) {
                0 => {}
                1 => p { "1 more file is not shown." }
                more => p { (more) " more files are not shown." }
            }
        },
        Value::Array(items) if !items.is_empty() && items.iter().all(Value::is_string) => {
            let joined: String = items.iter().filter_map(Value::as_str).collect();
            html! {
                (text(&joined))
                details { summary { (items.len()) " items" } (json(value)) }
            }
        }
        Value::Object(members) if (1..=left.get()).contains(&members.len()) && levels > 0 => {
            left.set(left.get() - members.len());
            html! {
                dl { @for (member, value) in members {
                    dt { (member) }
                    dd { (show_at(app, member, value, levels - 1, left)) }
                } }
            }
        }
        other => json(other),
    }
}

fn json(value: &Value) -> Markup {
    text(&serde_json::to_string_pretty(value).unwrap_or_default())
}

pub(super) fn text(text: &str) -> Markup {
    let (text, missing) = cut(text, MOST_TEXT);
    // A long text scrolls, also by keyboard.
    let scrolls = text.len() > SCROLLING_LENGTH || text.lines().count() > SCROLLING_LINES;
    html! {
        pre tabindex=[scrolls.then_some("0")] { (text) }
        @if missing > 0 { p { (missing) " more characters are not shown." } }
    }
}

/// A file that a page can show.
struct Shown {
    url: String,
    content_type: String,
    name: String,
}

/// Finds the file of a URL: an output, an upload, or one inside the URL.
fn file(app: &App, text: &str) -> Option<Shown> {
    if let Some(rest) = text.strip_prefix("data:") {
        let content_type = rest.split([';', ',']).next()?.to_ascii_lowercase();
        return Some(Shown { url: text.into(), content_type, name: "inline file".into() });
    }
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    let path = url.path();
    if let Some(key) = path.strip_prefix("/files/") {
        let file = app.files.output(key)?;
        let name = key.rsplit('/').next().unwrap_or(key).to_owned();
        return Some(Shown { url: path.into(), content_type: file.content_type.into_owned(), name });
    }
    let id = path.strip_prefix("/v1/files/")?;
    let id = percent_encoding::percent_decode_str(id).decode_utf8_lossy().into_owned();
    let upload = app.files.get(&id)?;
    let encoded = percent_encoding::utf8_percent_encode(&id, percent_encoding::NON_ALPHANUMERIC);
    Some(Shown {
        url: format!("/_page/uploads/{encoded}"),
        content_type: upload.content_type,
        name: upload.name,
    })
}

fn is_file(app: &App, value: &Value) -> bool {
    value.as_str().is_some_and(|text| file(app, text).is_some())
}

fn text_or_file(app: &App, name: &str, string: &str) -> Markup {
    let Some(file) = file(app, string) else {
        return match Url::parse(string) {
            // A link only: the page loads nothing from elsewhere.
            Ok(url) if matches!(url.scheme(), "http" | "https") && !string.contains(char::is_whitespace) => {
                html! { p { a href=(url) rel="noreferrer noopener" { (string) } } }
            }
            _ => text(string),
        };
    };
    let is_inline = file.url.starts_with("data:");
    let label = format!("{name}: {}", file.name);
    let kind = file.content_type.split('/').next().unwrap_or_default();
    html! {
        figure {
            @if is_inline && file.url.len() > MOST_INLINE {
                p { "A file of " (file.url.len()) " characters." }
            } @else if kind == "image" {
                img src=(file.url) alt=(label);
            } @else if kind == "audio" {
                audio controls src=(file.url) aria-label=(label) {}
            } @else if kind == "video" {
                video controls src=(file.url) aria-label=(label) {}
            }
            figcaption {
                @if is_inline { (file.name) } @else { a href=(file.url) { (file.name) } }
                " " small { (file.content_type) }
            }
        }
    }
}
