//! Output files, with ranges, so that a broken download can be continued.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::app::lock;
use crate::call::{Call, Reply};
use crate::files::OutputFile;
use crate::problem::Problem;

pub(super) async fn read(call: Call) -> Reply {
    let path = format!("{}/{}", call.parameter(0), call.parameter(1));
    let file = lock(&call.app.outputs).get(&path).cloned();
    let now = call.app.now();
    let file = file.filter(|file| now < file.expires_at).ok_or_else(Problem::file_not_found)?;
    if call.header("if-none-match").is_some_and(|tags| tags.contains(&file.etag)) {
        return Ok(with_headers(StatusCode::NOT_MODIFIED.into_response(), &file));
    }
    let wanted = call.header("range").filter(|_| range_applies(&call, &file));
    let length = file.bytes.len();
    let response = match wanted.and_then(|range| parse(range, length)) {
        None => (StatusCode::OK, file.bytes.clone()).into_response(),
        Some(None) => {
            let range = HeaderValue::try_from(format!("bytes */{length}"));
            let mut response = StatusCode::RANGE_NOT_SATISFIABLE.into_response();
            response.headers_mut().extend(range.map(|range| (header::CONTENT_RANGE, range)));
            response
        }
        Some(Some((first, last))) => {
            let headers = [(header::CONTENT_RANGE, format!("bytes {first}-{last}/{length}"))];
            (StatusCode::PARTIAL_CONTENT, headers, file.bytes.slice(first..=last)).into_response()
        }
    };
    Ok(with_headers(response, &file))
}

/// `If-Range` asks for the whole file when it has changed.
fn range_applies(call: &Call, file: &OutputFile) -> bool {
    match call.header("if-range") {
        None => true,
        Some(validator) => validator == file.etag || validator == file.modified.http_date(),
    }
}

/// The first and last byte of a range; `Some(None)` when it lies outside; `None` to ignore what is no single range.
fn parse(range: &str, length: usize) -> Option<Option<(usize, usize)>> {
    let (first, last) = range.trim().strip_prefix("bytes=")?.split_once('-')?;
    let (first, last) = (first.trim(), last.trim());
    if first.is_empty() {
        let suffix: usize = last.parse().ok()?;
        let inside = suffix > 0 && length > 0;
        return Some(inside.then(|| (length.saturating_sub(suffix), length - 1)));
    }
    let first: usize = first.parse().ok()?;
    let last = match last {
        "" => usize::MAX,
        last => last.parse().ok()?,
    };
    if last < first {
        return None;
    }
    Some((first < length).then(|| (first, last.min(length - 1))))
}

fn with_headers(mut response: Response, file: &OutputFile) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(file.content_type));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600"));
    headers.extend(HeaderValue::try_from(&file.etag).map(|tag| (header::ETAG, tag)));
    let modified = HeaderValue::try_from(file.modified.http_date());
    headers.extend(modified.map(|modified| (header::LAST_MODIFIED, modified)));
    response
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn reads_ranges() {
        assert_eq!(parse("bytes=2-4", 10), Some(Some((2, 4))));
        assert_eq!(parse("bytes=2-", 10), Some(Some((2, 9))));
        assert_eq!(parse("bytes=2-99", 10), Some(Some((2, 9))));
        assert_eq!(parse("bytes=-3", 10), Some(Some((7, 9))));
        assert_eq!(parse("bytes=10-", 10), Some(None));
        assert_eq!(parse("bytes=4-2", 10), None);
        assert_eq!(parse("bytes=0-1,3-4", 10), None);
    }
}
