//! Sends the main part of a page whenever it has changed.

use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use maud::Markup;

use super::frame;
use crate::state::App;

// A page that shows a fast model changes no more often than this.
const PERIOD: Duration = Duration::from_millis(200);
// Every so often something is sent, so that the connection of a page that was closed ends.
const QUIET_PERIODS: u32 = 75;

/// Returns a stream of server-sent events. Each has the HTML of `main`.
///
/// Jobs do not know of pages: while a page is open, `main` is rendered repeatedly and compared.
pub(super) fn stream(app: App, main: impl Fn(&App) -> Markup + Send + 'static) -> Response {
    let state = (app, main, String::new());
    let events = stream::unfold(state, |(app, main, mut last)| async move {
        let mut quiet = 0;
        let text = loop {
            let html = main(&app).into_string();
            if html != last {
                last = html;
                break event(&last);
            }
            if quiet == QUIET_PERIODS {
                break ":\n\n".into();
            }
            quiet += 1;
            tokio::time::sleep(PERIOD).await;
        };
        Some((Ok::<_, std::io::Error>(text), (app, main, last)))
    });
    (frame::headers("text/event-stream; charset=utf-8"), Body::from_stream(events)).into_response()
}

fn event(html: &str) -> String {
    // A carriage return would end the line.
    let lines = html.replace('\r', "&#13;");
    let data: String = lines.split('\n').map(|line| format!("data: {line}\n")).collect();
    data + "\n"
}
