//! The response that an error is about.

use crate::value::Value;

/// The response behind an error, as far as the error keeps it.
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
    /// Response headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The first 64 KiB of the body as text.
    pub body: String,
    /// The problem document's `type`.
    pub problem_type: Option<String>,
    /// The problem document's `title`.
    pub title: Option<String>,
    /// The problem document's `detail`.
    pub detail: Option<String>,
    /// The problem document's `instance`.
    pub instance: Option<String>,
    /// Which fields of the input are wrong and why.
    pub invalid_fields: Option<Value>,
}

/// The standard text of an HTTP status; empty where there is none.
pub(crate) fn reason_phrase(status: u16) -> &'static str {
    match status {
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
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "",
    }
}

/// The first header of that name (given in lower case).
pub(crate) fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}
