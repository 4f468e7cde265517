//! What can go wrong, as a closed list.

macro_rules! error_kinds {
    ($($(#[$doc:meta])* $variant:ident = $code:literal,)*) => {
        /// What went wrong, as a closed list of stable codes.
        ///
        /// Every language has one class (or code) for each of these.
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
            /// Every kind there is.
            ///
            /// ```
            /// let codes: Vec<_> = replicant::ErrorKind::ALL.iter().map(|kind| kind.code()).collect();
            /// assert!(codes.contains(&"prediction_failed"));
            /// ```
            pub const ALL: &'static [ErrorKind] = &[$(ErrorKind::$variant,)*];

            /// The stable code that names this kind in every language.
            ///
            /// ```
            /// assert_eq!(replicant::ErrorKind::NotFound.code(), "not_found");
            /// ```
            pub const fn code(self) -> &'static str {
                match self {
                    $(ErrorKind::$variant => $code,)*
                }
            }
        }
    };
}

error_kinds! {
    /// An argument cannot be used: the message names it. Nothing was sent.
    InvalidArgument = "invalid_argument",
    /// A file given as input cannot be read.
    FileNotFound = "file_not_found",
    /// A file given as input is larger than the API takes. Nothing was sent.
    FileTooLarge = "file_too_large",
    /// A file could not be written: there is no such folder, no permission or no space.
    FileNotWritten = "file_not_written",
    /// The server could not be reached, or the connection broke.
    Connection = "connection",
    /// The server did not answer in time.
    Timeout = "timeout",
    /// 400.
    BadRequest = "bad_request",
    /// 401: the API token is missing or wrong.
    Authentication = "authentication",
    /// 402: not enough credit.
    PaymentRequired = "payment_required",
    /// 403.
    PermissionDenied = "permission_denied",
    /// 404.
    NotFound = "not_found",
    /// 409.
    Conflict = "conflict",
    /// 413.
    PayloadTooLarge = "payload_too_large",
    /// 422: the API refuses the request body; see `invalid_fields`.
    Unprocessable = "unprocessable",
    /// 429, after the retries allowed; see `retry_after`.
    RateLimited = "rate_limited",
    /// 5xx.
    ServerError = "server_error",
    /// Any other status that is not a success.
    Status = "status",
    /// A create was sent and its answer lost: it may or may not have been carried out (and billed).
    OutcomeUnknown = "outcome_unknown",
    /// The answer is not what the API promises, such as HTML from a proxy.
    InvalidResponse = "invalid_response",
    /// The prediction ended as `failed`.
    PredictionFailed = "prediction_failed",
    /// The prediction ended as `canceled`.
    PredictionCanceled = "prediction_canceled",
    /// The prediction ended as `aborted`: its deadline passed before it began to run.
    PredictionAborted = "prediction_aborted",
    /// The `timeout` of a run, stream or wait passed.
    Deadline = "deadline",
    /// The event stream broke and could not be resumed; `partial` is what had come.
    StreamInterrupted = "stream_interrupted",
    /// The model has no event stream.
    StreamUnsupported = "stream_unsupported",
    /// An output file is gone: the API keeps output files for one hour.
    OutputExpired = "output_expired",
    /// An output file could not be read whole.
    Download = "download",
    /// A webhook lacks one of its signature headers.
    WebhookHeaders = "webhook_headers",
    /// A webhook's body is missing or was parsed before it was verified.
    WebhookBody = "webhook_body",
    /// The webhook signing secret is missing or malformed.
    WebhookSecret = "webhook_secret",
    /// A webhook's timestamp is malformed or outside the tolerance.
    WebhookTimestamp = "webhook_timestamp",
    /// No signature of the webhook matches its body.
    WebhookSignature = "webhook_signature",
    /// A defect of this library.
    Internal = "internal",
}

impl ErrorKind {
    /// Whether the prediction has ended, without success.
    pub(crate) fn ends_prediction(self) -> bool {
        matches!(self, Self::PredictionFailed | Self::PredictionCanceled | Self::PredictionAborted)
    }

    /// Returns the kind for an HTTP status that is not a success.
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
