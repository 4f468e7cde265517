//! The unsuccessful response of an error.

use crate::value::{Object, Value};

/// An unsuccessful response of the API.
///
/// ```no_run
/// # async fn example(client: replicant::Client) -> replicant::Result<()> {
/// if let Err(error) = client.account().await
///     && let Some(response) = error.response()
/// {
///     println!("{} {:?}: {}", response.status, response.title, response.body);
/// }
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct ErrorResponse {
    /// HTTP status.
    pub status: u16,
    /// Response headers, with lower-case names.
    pub headers: Vec<(String, String)>,
    /// The first 64 KiB of the body, as text.
    pub body: String,
    /// The member `type` of the problem document (RFC 9457).
    pub problem_type: Option<String>,
    /// The member `title` of the problem document.
    pub title: Option<String>,
    /// The member `detail` of the problem document.
    pub detail: Option<String>,
    /// The member `instance` of the problem document.
    pub instance: Option<String>,
    /// The invalid fields of the request body, with descriptions.
    pub invalid_fields: Option<Value>,
}

/// Returns the standard reason phrase of an HTTP status, or an empty string.
pub(crate) fn reason_phrase(status: u16) -> &'static str {
    match status {
        301 => "Moved Permanently",
        302 => "Found",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        408 => "Request Timeout",
        409 => "Conflict",
        410 => "Gone",
        413 => "Payload Too Large",
        415 => "Unsupported Media Type",
        416 => "Range Not Satisfiable",
        422 => "Unprocessable Entity",
        423 => "Locked",
        429 => "Too Many Requests",
        451 => "Unavailable For Legal Reasons",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "",
    }
}

/// Returns the id that the API assigned to a request, from the headers of the response.
pub(crate) fn request_id(headers: &[(String, String)]) -> Option<&str> {
    let names = ["x-request-id", "request-id", "replicate-request-id", "cf-ray"];
    names.iter().find_map(|name| header(headers, name))
}

/// Returns headers as an object. The values of a header that occurs twice are joined with commas.
pub(crate) fn headers_value(headers: &[(String, String)]) -> Value {
    let mut joined = Object::default();
    for (name, value) in headers {
        match joined.get_mut(name) {
            Some(Value::String(values)) => values.extend([", ", value]),
            _ => drop(joined.insert(name.clone(), value.as_str().into())),
        }
    }
    Value::Object(joined)
}

/// Returns the first header with a name, which must be in lower case.
pub fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_that_occurs_twice_has_both_values() {
        let headers = [("set-cookie", "a=1"), ("vary", "accept"), ("set-cookie", "b=2")];
        let value = headers_value(&headers.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(value["set-cookie"].as_str(), Some("a=1, b=2"));
        assert_eq!(value["vary"].as_str(), Some("accept"));
    }
}
