//! Output files, with byte ranges so that a client can resume a download.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::files::OutputFile;
use crate::http::problem::Problem;
use crate::request::{Call, Reply};

pub(super) async fn read(call: Call) -> Reply {
    let file = call.app.files.output(&call.name()).ok_or_else(Problem::file_not_found)?;
    if call.header("if-none-match").is_some_and(|tags| tags.contains(&file.etag)) {
        return Ok(with_headers(StatusCode::NOT_MODIFIED.into_response(), &file));
    }
    let wanted = call.header("range").filter(|_| range_applies(&call, &file));
    let bytes = file.bytes().await;
    let bytes = bytes.map_err(|error| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, error))?;
    let length = bytes.len();
    let response = match wanted.and_then(|range| parse(range, length)) {
        None => (StatusCode::OK, bytes).into_response(),
        Some(None) => {
            let range = HeaderValue::try_from(format!("bytes */{length}"));
            let mut response = StatusCode::RANGE_NOT_SATISFIABLE.into_response();
            response.headers_mut().extend(range.map(|range| (header::CONTENT_RANGE, range)));
            response
        }
        Some(Some((first, last))) => {
            let headers = [(header::CONTENT_RANGE, format!("bytes {first}-{last}/{length}"))];
            (StatusCode::PARTIAL_CONTENT, headers, bytes.slice(first..=last)).into_response()
        }
    };
    Ok(with_headers(response, &file))
}

/// Reports whether `If-Range` matches the file; otherwise the response is the whole file.
fn range_applies(call: &Call, file: &OutputFile) -> bool {
    match call.header("if-range") {
        None => true,
        Some(validator) => validator == file.etag || validator == file.modified.http_date(),
    }
}

/// Parses a range to its first and last byte. Returns `Some(None)` for a range outside the file, and `None` for a
/// header to ignore, such as one with several ranges.
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
    let kind = HeaderValue::try_from(&*file.content_type);
    headers
        .insert(header::CONTENT_TYPE, kind.unwrap_or(HeaderValue::from_static("application/octet-stream")));
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
    fn ranges_are_limited_to_the_file() {
        assert_eq!(parse("bytes=2-4", 10), Some(Some((2, 4))));
        assert_eq!(parse("bytes=2-", 10), Some(Some((2, 9))));
        assert_eq!(parse("bytes=2-99", 10), Some(Some((2, 9))));
        assert_eq!(parse("bytes=-3", 10), Some(Some((7, 9))));
        assert_eq!(parse("bytes=10-", 10), Some(None));
        assert_eq!(parse("bytes=4-2", 10), None);
        assert_eq!(parse("bytes=0-1,3-4", 10), None);
    }
}
