//! Infers why a prediction failed from publicly documented error codes and messages.

use crate::value::Value;

macro_rules! failure_reasons {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// Why a prediction failed, inferred from its error text.
        ///
        /// Each reason has a stable name. See [`Error::reason`](crate::Error::reason).
        ///
        /// ```
        /// use replicant::FailureReason;
        ///
        /// assert_eq!(FailureReason::OutOfMemory.name(), "out_of_memory");
        /// ```
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum FailureReason {
            $($(#[$doc])* $variant,)*
        }

        impl FailureReason {
            /// All reasons.
            pub const ALL: &'static [FailureReason] = &[$(FailureReason::$variant,)*];

            /// Returns the stable name of the reason, which is the same in every language.
            pub const fn name(self) -> &'static str {
                match self {
                    $(FailureReason::$variant => $name,)*
                }
            }
        }
    };
}

failure_reasons! {
    /// A content filter rejected the input or the output. The same input would fail again.
    ContentFilter = "content_filter",
    /// The model ran out of memory. A smaller input may succeed.
    OutOfMemory = "out_of_memory",
    /// The prediction was queued too long, or there was no capacity. A later retry may succeed.
    QueueTimeout = "queue_timeout",
    /// The model rejected its input. The same input would fail again.
    InvalidInput = "invalid_input",
    /// The error text is not recognized.
    Unknown = "unknown",
}

use FailureReason::{ContentFilter, InvalidInput, OutOfMemory, QueueTimeout, Unknown};

/// Whole words that identify a reason: error codes of the API and its official models, and exception names.
const WORDS: [(&str, FailureReason); 8] = [
    ("E1001", OutOfMemory),
    ("E6716", QueueTimeout),
    ("E003", QueueTimeout),
    ("E004", QueueTimeout),
    ("E005", ContentFilter),
    ("E006", InvalidInput),
    ("OutOfMemoryError", OutOfMemory),
    ("ValidationError", InvalidInput),
];

/// Lower-case phrases that models and the API write. Single words would match unrelated text, such as the file
/// name `nsfw_checker.py` in a traceback.
const PHRASES: [(&str, FailureReason); 23] = [
    ("nsfw content", ContentFilter),
    ("flagged as sensitive", ContentFilter),
    ("content policy", ContentFilter),
    ("content moderation", ContentFilter),
    ("content filter", ContentFilter),
    ("safety filter", ContentFilter),
    ("by the safety checker", ContentFilter),
    ("prohibited content", ContentFilter),
    ("blocked by moderation", ContentFilter),
    ("our safety system", ContentFilter),
    ("out of memory", OutOfMemory),
    ("oom killed", OutOfMemory),
    ("oomkilled", OutOfMemory),
    ("cublas_status_alloc_failed", OutOfMemory),
    ("queue is full", QueueTimeout),
    ("queue reached limit", QueueTimeout),
    ("timeout starting prediction", QueueTimeout),
    ("due to high demand", QueueTimeout),
    ("before it began to run", QueueTimeout),
    ("input validation failed", InvalidInput),
    ("input validation error", InvalidInput),
    ("input was invalid", InvalidInput),
    ("invalid input", InvalidInput),
];

/// Infers the reason from a prediction that did not succeed.
pub(super) fn of_prediction(prediction: &Value) -> FailureReason {
    if prediction["status"].as_str() == Some("aborted") {
        // Its deadline passed while it was queued.
        return QueueTimeout;
    }
    match &prediction["error"] {
        Value::Null => Unknown,
        Value::String(text) => of_text(text),
        other => of_text(&other.to_string()),
    }
}

fn of_text(text: &str) -> FailureReason {
    let words = || text.split(|c: char| !c.is_ascii_alphanumeric());
    let by_word = WORDS.iter().find(|(known, _)| words().any(|word| word == *known));
    let lower = text.to_ascii_lowercase();
    let by_phrase = || PHRASES.iter().find(|(phrase, _)| lower.contains(phrase));
    by_word.or_else(by_phrase).map_or(Unknown, |(_, reason)| *reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn infers_the_reason_from_codes_and_phrases() {
        let table = [
            (
                "The input or output was flagged as sensitive. Please try again with different inputs. (E005)",
                ContentFilter,
            ),
            ("NSFW content detected. Try running it again, or try a different prompt.", ContentFilter),
            ("Error generating image: Prompt violates our content policy", ContentFilter),
            ("CUDA out of memory. Tried to allocate 5.92 GiB (GPU 0; 14.76 GiB total capacity)", OutOfMemory),
            ("torch.OutOfMemoryError: HIP", OutOfMemory),
            ("Director: unexpected error handling prediction (E1001)", OutOfMemory),
            ("Director: unexpected error handling prediction (E6716)", QueueTimeout),
            ("Service is temporarily unavailable. Please try again later. (E004)", QueueTimeout),
            ("The image was blocked by the safety checker", ContentFilter),
            (
                "Your request was rejected as a result of our safety system. The image generation request contains content \
                 that is not allowed by our safety system.",
                ContentFilter,
            ),
            ("Content blocked by moderation", ContentFilter),
            ("Input validation error: 404 Client Error: Not Found for url: https://h/a.png", InvalidInput),
            ("Task queue reached limit.", QueueTimeout),
            ("Queue is full. Please try again later.", QueueTimeout),
            (
                "Service is currently unavailable due to high demand. Please try again later. (E003)",
                QueueTimeout,
            ),
            ("1 validation error: ValidationError for Input", InvalidInput),
            ("The input was invalid. Please check it. (E006)", InvalidInput),
            ("Director: unexpected error handling prediction (E8765)", Unknown),
            ("Prediction interrupted; please retry (code: PA)", Unknown),
            ("File \"/src/nsfw_checker.py\", line 10, in check: IndexError", Unknown),
            ("Failed to load safety checker weights", Unknown),
            ("huggingface_hub.errors.HFValidationError: Repo id must be a string", Unknown),
            ("The memory of the harbor fades", Unknown),
            ("list index out of range", Unknown),
            ("CUDA error: device-side assert triggered", Unknown),
            ("part number XE0055 is unknown", Unknown),
            ("SAFE0050", Unknown),
            ("", Unknown),
        ];
        for (text, expected) in table {
            let prediction = crate::json!({"status": "failed", "error": text}).into();
            assert_eq!(of_prediction(&prediction), expected, "{text}");
        }
        let object = crate::json!({"status": "failed", "error": {"code": "E005"}}).into();
        assert_eq!(of_prediction(&object), ContentFilter);
        assert_eq!(of_prediction(&crate::json!({"status": "failed"}).into()), Unknown);
        assert_eq!(of_prediction(&crate::json!({"status": "aborted"}).into()), QueueTimeout);
    }
}
