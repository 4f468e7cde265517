//! The kinds of errors.

macro_rules! error_kinds {
    ($($(#[$doc:meta])* $variant:ident = $code:literal,)*) => {
        /// The cause of an [`Error`](crate::Error).
        ///
        /// Each kind has a stable code, which selects the class of the error in Python and Node.
        ///
        /// ```
        /// use replicant::ErrorKind;
        ///
        /// assert_eq!(ErrorKind::RateLimited.code(), "rate_limited");
        /// assert!(ErrorKind::ALL.contains(&ErrorKind::Deadline));
        /// ```
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorKind {
            $($(#[$doc])* $variant,)*
        }

        impl ErrorKind {
            /// All kinds.
            pub const ALL: &'static [ErrorKind] = &[$(ErrorKind::$variant,)*];

            /// Returns the stable code of the kind, which is the same in every language.
            pub const fn code(self) -> &'static str {
                match self {
                    $(ErrorKind::$variant => $code,)*
                }
            }
        }
    };
}

error_kinds! {
    /// An argument is invalid; the message names it. No request was sent.
    InvalidArgument = "invalid_argument",
    /// A file cannot be read: one in the input, or a checkpoint.
    FileNotFound = "file_not_found",
    /// A file in the input exceeds the API's size limit.
    FileTooLarge = "file_too_large",
    /// A file cannot be written, for example because of its folder, permissions or disk space.
    FileNotWritten = "file_not_written",
    /// The runtime cannot do it: the web has no file system and no sockets. No request was sent.
    Unsupported = "unsupported",
    /// The server could not be reached, or the connection broke.
    Connection = "connection",
    /// The server did not respond within the timeout.
    Timeout = "timeout",
    /// Status 400.
    BadRequest = "bad_request",
    /// Status 401: the API token is missing or invalid.
    Authentication = "authentication",
    /// Status 402: the account has insufficient credit.
    PaymentRequired = "payment_required",
    /// Status 403.
    PermissionDenied = "permission_denied",
    /// Status 404.
    NotFound = "not_found",
    /// Status 409.
    Conflict = "conflict",
    /// Status 413.
    PayloadTooLarge = "payload_too_large",
    /// Status 422: the API rejected the request body; see
    /// [`ErrorResponse::invalid_fields`](crate::ErrorResponse::invalid_fields).
    Unprocessable = "unprocessable",
    /// Status 429, after all retries; see [`Error::retry_after`](crate::Error::retry_after).
    RateLimited = "rate_limited",
    /// Status 5xx.
    ServerError = "server_error",
    /// Any other unsuccessful status.
    Status = "status",
    /// A create was sent but no response arrived: it may have been processed (and billed).
    OutcomeUnknown = "outcome_unknown",
    /// The response is not what the API specifies, such as HTML from a proxy.
    InvalidResponse = "invalid_response",
    /// The prediction ended with status `failed`.
    PredictionFailed = "prediction_failed",
    /// The prediction ended with status `canceled`.
    PredictionCanceled = "prediction_canceled",
    /// The prediction ended with status `aborted`: its deadline passed before it started.
    PredictionAborted = "prediction_aborted",
    /// The `timeout` of a run, stream or wait passed.
    Deadline = "deadline",
    /// The event stream broke and could not be resumed; see [`Error::partial`](crate::Error::partial).
    StreamInterrupted = "stream_interrupted",
    /// The model has no event stream.
    StreamUnsupported = "stream_unsupported",
    /// An output file no longer exists: the API keeps output files for one hour.
    OutputExpired = "output_expired",
    /// The download of an output file failed.
    Download = "download",
    /// A signature header of the webhook is missing.
    WebhookHeaders = "webhook_headers",
    /// The body of the webhook is missing, or is not the raw body.
    WebhookBody = "webhook_body",
    /// The webhook signing secret is missing or malformed.
    WebhookSecret = "webhook_secret",
    /// The timestamp of the webhook is malformed or outside the tolerance.
    WebhookTimestamp = "webhook_timestamp",
    /// No signature of the webhook matches the body.
    WebhookSignature = "webhook_signature",
    /// A bug in this library.
    Internal = "internal",
}

impl ErrorKind {
    /// Returns `true` if the error reports the end of a prediction.
    pub(crate) fn ends_prediction(self) -> bool {
        matches!(self, Self::PredictionFailed | Self::PredictionCanceled | Self::PredictionAborted)
    }

    /// Returns the status for a webhook that fails with this kind. `None` if the webhook is not to blame.
    pub(crate) fn webhook_status(self) -> Option<u16> {
        match self {
            Self::WebhookHeaders | Self::WebhookBody => Some(400),
            Self::WebhookTimestamp | Self::WebhookSignature => Some(401),
            _ => None,
        }
    }

    /// Returns the kind for an unsuccessful HTTP status.
    pub(crate) fn from_status(status: u16) -> Self {
        match status {
            400 => Self::BadRequest,
            401 => Self::Authentication,
            402 => Self::PaymentRequired,
            403 => Self::PermissionDenied,
            404 => Self::NotFound,
            409 => Self::Conflict,
            413 => Self::PayloadTooLarge,
            422 => Self::Unprocessable,
            429 => Self::RateLimited,
            500..=599 => Self::ServerError,
            _ => Self::Status,
        }
    }
}
