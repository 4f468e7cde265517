//! The server of the API: what applies to every request.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::Entry;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state, map_response};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;

use crate::cassette::{self, Cassette};
use crate::http::access::Access;
use crate::http::limits::Class;
use crate::http::listener::{Breaker, CountingListener, Source};
use crate::http::problem::Problem;
use crate::page;
use crate::request::{ReadBody, Scheme, origin};
use crate::routes;
use crate::state::App;

// Above the largest upload, which has its own error response.
const LARGEST_BODY: usize = 160_000_000;
// For documents that models or clients wrote: they can be displayed but run no scripts.
const ISOLATED: &str =
    "sandbox; default-src 'none'; img-src 'self' data:; media-src 'self' data:; style-src 'unsafe-inline'";

/// Serves the API until the task is dropped.
pub(crate) async fn serve(app: App, source: Source) {
    let listener = CountingListener::new(source, Arc::clone(&app.gauges));
    let router = routes::router().merge(page::router());
    let router =
        router.layer(from_fn_with_state(app.clone(), handle)).layer(map_response(isolate)).with_state(app);
    let service = router.into_make_service_with_connect_info::<Breaker>();
    // `serve` never returns; it ends with the runtime.
    let _ = axum::serve(listener, service).await;
}

/// Records a request, applies fault rules, and runs the handler.
async fn handle(
    State(app): State<App>,
    ConnectInfo(breaker): ConnectInfo<Breaker>,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, LARGEST_BODY).await else {
        // The client has closed the connection, or the body exceeds the limit.
        return Problem::body_too_large(parts.uri.path()).into_response();
    };
    parts.extensions.insert(ReadBody(body.clone()));
    parts.extensions.insert(Scheme(if breaker.is_tls { "https" } else { "http" }));
    let path = parts.uri.path().to_owned();
    let page = parts.headers.get(header::ORIGIN).cloned();
    if let Some(refusal) = app.access.refuse(&parts.method, &path, &parts.headers) {
        let allowed = refusal.status() == StatusCode::NO_CONTENT;
        return Access::share(page.as_ref().filter(|_| allowed), refusal);
    }
    if path == "/" || path.starts_with("/_") {
        return Access::share(page.as_ref(), next.run(Request::from_parts(parts, Body::empty())).await);
    }
    app.recorder.record(app.now(), &parts.method, &parts.uri, &parts.headers, &body);
    let fault = app.faults.take(&parts.method, &path);
    if let Some(delay) = fault.as_ref().and_then(|action| action.delay_ms) {
        tokio::time::sleep(std::time::Duration::from_millis(delay)).await;
    }
    let response = match &fault {
        Some(action) if action.skips_handler() => action.fixed_response(&path),
        _ => match &app.cassette {
            Some(cassette) => replay(&app, cassette, parts, body).await,
            None => authorize(&app, parts, next).await,
        },
    };
    let response = Access::share(page.as_ref(), response);
    match fault {
        Some(action) => action.apply(response, &breaker),
        None => response,
    }
}

/// Keeps documents that are not the page, such as the output of a model, from running scripts in its origin.
async fn isolate(mut response: Response) -> Response {
    if let Entry::Vacant(policy) = response.headers_mut().entry(header::CONTENT_SECURITY_POLICY) {
        policy.insert(HeaderValue::from_static(ISOLATED));
        let sniffing = HeaderValue::from_static("nosniff");
        response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, sniffing);
    }
    response
}

/// Responds with a cassette in place of the API.
async fn replay(app: &App, cassette: &Cassette, parts: Parts, body: Bytes) -> Response {
    let local = origin(app, &parts.headers, parts.extensions.get().copied());
    let target = parts.uri.path_and_query().map_or_else(|| "/".into(), ToString::to_string);
    let request = cassette::Request { method: parts.method, target, headers: parts.headers, body, local };
    cassette.respond(request).await
}

/// Checks token and rate limit, and runs the handler.
async fn authorize(app: &App, parts: Parts, next: Next) -> Response {
    let path = parts.uri.path();
    // The URLs of streams and output files need no token, and those of downloads are signed.
    let is_download = path.starts_with("/v1/files/") && path.ends_with("/download");
    let is_stream = path.strip_prefix("/v1/files/").is_some_and(|key| app.jobs.with_stream(key).is_some());
    let is_open = !path.starts_with("/v1/") || path.starts_with("/v1/streams/") || is_download || is_stream;
    if is_open {
        return next.run(Request::from_parts(parts, Body::empty())).await;
    }
    if !token_is_valid(app, &parts.headers) {
        return Problem::unauthenticated().into_response();
    }
    let class = classify(&parts.method, path);
    let remaining = match app.limits.take(class) {
        Ok(remaining) => remaining,
        Err(seconds) => return with_limits(Problem::throttled(seconds).into_response(), 0, seconds),
    };
    // As in recorded responses: the file endpoints have no rate limit headers.
    let limited = !path.starts_with("/v1/files");
    let response = next.run(Request::from_parts(parts, Body::from(Bytes::new()))).await;
    if limited { with_limits(response, remaining, 1) } else { response }
}

fn token_is_valid(app: &App, headers: &HeaderMap) -> bool {
    let Some(token) = &app.config.token else { return true };
    let sent = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some((scheme, sent)) = sent.and_then(|sent| sent.split_once(' ')) else {
        return false;
    };
    (scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("token")) && sent.trim() == token
}

fn classify(method: &Method, path: &str) -> Class {
    if method == Method::POST && path.ends_with("/predictions") {
        Class::Create
    } else if method == Method::GET && path.starts_with("/v1/predictions/") {
        Class::ReadPrediction
    } else {
        Class::Other
    }
}

fn with_limits(mut response: Response, remaining: u64, reset: u64) -> Response {
    let headers = response.headers_mut();
    headers.insert("ratelimit-remaining", HeaderValue::from(remaining));
    headers.insert("ratelimit-reset", HeaderValue::from(reset));
    response
}
