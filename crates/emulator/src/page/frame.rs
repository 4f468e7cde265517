//! What all pages have: the document around them, and headers that let nothing but the page's own parts run.

use axum::http::{HeaderName, header};
use axum::response::{IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      img-src 'self' data:; media-src 'self' data:; form-action 'self'; base-uri 'none'; \
                      frame-ancestors 'none'";

/// The headers of everything that the page consists of.
pub(super) fn headers(kind: &'static str) -> [(HeaderName, &'static str); 5] {
    [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (header::CACHE_CONTROL, "no-store"),
    ]
}

/// Returns a style sheet or script.
pub(super) fn asset(kind: &'static str, text: &'static str) -> Response {
    (headers(kind), text).into_response()
}

/// Returns a document with this `main`.
pub(super) fn document(title: &str, main: &Markup) -> Response {
    let document = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · replicant-emulator" }
                link rel="icon" href="data:,";
                link rel="stylesheet" href="/_page/style.css";
                script src="/_page/live.js" defer {}
            }
            body {
                a.skip href="#main" { "Skip to content" }
                header {
                    a.home href="/" { "replicant-emulator" }
                    // The script says here whether the page is live.
                    span #live {}
                    noscript { span { "Without JavaScript, reload the page to see changes." } }
                }
                (main)
                p #news .hidden role="status" {}
            }
        }
    };
    (headers("text/html; charset=utf-8"), document.into_string()).into_response()
}
