//! Error responses of the API: `application/problem+json`.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// An entry of `invalid_fields`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct InvalidField {
    pub(crate) r#type: &'static str,
    pub(crate) field: String,
    pub(crate) description: String,
}

impl InvalidField {
    pub(crate) fn new(
        r#type: &'static str,
        field: impl Into<String>,
        description: impl Into<String>,
    ) -> Self {
        Self { r#type, field: field.into(), description: description.into() }
    }
}

/// An error response.
#[derive(Debug, Serialize)]
pub(crate) struct Problem {
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    invalid_fields: Vec<InvalidField>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
    #[serde(skip)]
    code: StatusCode,
    #[serde(skip)]
    plain_json: bool,
}

impl Problem {
    pub(crate) fn new(code: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            detail: detail.into(),
            status: Some(code.as_u16()),
            title: None,
            invalid_fields: Vec::new(),
            retry_after: None,
            code,
            plain_json: false,
        }
    }

    fn titled(mut self, title: &'static str) -> Self {
        self.title = Some(title);
        self
    }

    /// Omits `status` from the body, as some endpoints do.
    pub(crate) fn bare(mut self) -> Self {
        self.status = None;
        self
    }

    /// Uses the content type `application/json`, as `/search` does.
    pub(crate) fn plain_json(mut self) -> Self {
        self.plain_json = true;
        self.bare()
    }

    pub(crate) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    pub(crate) fn unauthenticated() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "You did not pass a valid authentication token")
            .titled("Unauthenticated")
    }

    pub(crate) fn insufficient_credit() -> Self {
        Self::new(
            StatusCode::PAYMENT_REQUIRED,
            "You have insufficient credit to run this model. Go to https://replicate.com/account/billing#billing \
             to purchase credit.",
        )
        .titled("Insufficient credit")
    }

    /// The response to a path that begins with `/v1/v1/`.
    pub(crate) fn doubled_version(origin: &str) -> Self {
        let detail = format!(
            "The path begins with /v1/v1/: this client adds /v1 itself. Set its base URL to {origin} (for the official \
             Python client: REPLICATE_BASE_URL={origin})."
        );
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    /// The response to a model that does not exist.
    pub(crate) fn unknown_model(name: &str) -> Self {
        let mut problem = Self::not_found();
        problem.detail += &format!(
            " The emulator has no model {name}; to add it, call emulator.script('{name}', output=...) or \
             emulator.model('{name}'), or start the emulator with --script {name}=OUTPUT."
        );
        problem
    }

    /// Explains why a model does not run by its name. `newest` is the id of its newest version.
    pub(crate) fn not_official(mut self, name: &str, newest: Option<&str>) -> Self {
        let example = newest.map(|id| format!(" such as {name}:{id}")).unwrap_or_default();
        self.detail += &format!(
            " {name} is not an official model: create its predictions at /v1/predictions, with a version{example}."
        );
        self
    }

    pub(crate) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "The requested resource could not be found.")
    }

    pub(crate) fn file_not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "File not found").bare()
    }

    pub(crate) fn file_too_large() -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "Files must be less than 100MB in size").bare()
    }

    /// The response to a body that is too large for the endpoint at `path`.
    pub(crate) fn body_too_large(path: &str) -> Self {
        match path {
            "/v1/files" => Self::file_too_large(),
            _ => Self::new(StatusCode::PAYLOAD_TOO_LARGE, "The request body is too large"),
        }
    }

    pub(crate) fn method_not_allowed(method: &str) -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, format!("Method \"{method}\" not allowed."))
    }

    /// The response to a version that does not exist. `named` is the model in the request, if any.
    pub(crate) fn unknown_version(named: Option<&str>) -> Self {
        let mut problem = Self::invalid_version();
        if let Some(name) = named {
            problem.detail += &format!(
                " The emulator has no such version of {name}; to add it, call emulator.script('{name}', output=..., \
                 versions=[...])."
            );
        }
        problem
    }

    pub(crate) fn invalid_version() -> Self {
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "The specified version does not exist (or perhaps you don't have permission to use it?)",
        )
        .titled("Invalid version or not permitted")
    }

    /// The response to a body that does not match its schema. `fields` must not be empty.
    pub(crate) fn invalid_input(fields: Vec<InvalidField>) -> Self {
        let detail = fields.iter().map(|invalid| match invalid.field.as_str() {
            "" => format!("- {}\n", invalid.description),
            field => format!("- {field}: {}\n", invalid.description),
        });
        let mut problem = Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail.collect::<String>())
            .titled("Input validation failed");
        problem.invalid_fields = fields;
        problem
    }

    /// The response that the API sends with a status to a request for `path`.
    pub(crate) fn of_status(status: StatusCode, path: &str, retry_after: Option<u64>) -> Self {
        let mut problem = match status {
            StatusCode::UNAUTHORIZED => Self::unauthenticated(),
            StatusCode::PAYMENT_REQUIRED => Self::insufficient_credit(),
            StatusCode::NOT_FOUND => Self::not_found(),
            StatusCode::PAYLOAD_TOO_LARGE => Self::body_too_large(path),
            StatusCode::TOO_MANY_REQUESTS => Self::throttled(retry_after.unwrap_or(1)),
            other => Self::new(other, other.canonical_reason().unwrap_or("Unknown error")),
        };
        problem.retry_after = retry_after.or(problem.retry_after);
        problem
    }

    pub(crate) fn throttled(retry_after: u64) -> Self {
        let mut problem = Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            format!("Request was throttled. Your rate limit resets in ~{retry_after}s."),
        );
        problem.retry_after = Some(retry_after);
        problem
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut body = serde_json::to_string(&self).expect("plain data encodes as JSON");
        body.push('\n');
        let content_type = if self.plain_json { "application/json" } else { "application/problem+json" };
        let mut response = (self.code, [(header::CONTENT_TYPE, content_type)], body).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
