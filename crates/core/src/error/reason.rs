//! Why a model failed, read from the error codes and texts that are known in public.

use crate::value::Value;

macro_rules! failure_reasons {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// Why a prediction failed, as a closed list of stable names.
        ///
        /// It is a reading of the prediction's error text, which stays as the model wrote it.
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
            /// Every reason.
            pub const ALL: &'static [FailureReason] = &[$(FailureReason::$variant,)*];

            /// The stable name of this reason in every language.
            pub const fn name(self) -> &'static str {
                match self {
                    $(FailureReason::$variant => $name,)*
                }
            }
        }
    };
}

failure_reasons! {
    /// A filter refused the input or the output. The same input fails again.
    ContentFilter = "content_filter",
    /// The model ran out of memory. A smaller input may succeed.
    OutOfMemory = "out_of_memory",
    /// The prediction waited too long to start, or there was no capacity. Trying again later may succeed.
    QueueTimeout = "queue_timeout",
    /// The model refused its input. The same input fails again.
    InvalidInput = "invalid_input",
    /// Nothing known.
    Unknown = "unknown",
}

use FailureReason::{ContentFilter, InvalidInput, OutOfMemory, QueueTimeout, Unknown};

/// Words that mean a reason wherever they stand alone: error codes of the API and of its official models.
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

/// Phrases that models and the API are known to write, in lower case. Whole phrases, because a traceback can
/// name a file such as `nsfw_checker.py` for another reason.
const TEXTS: [(&str, FailureReason); 19] = [
    ("nsfw content", ContentFilter),
    ("flagged as sensitive", ContentFilter),
    ("content policy", ContentFilter),
    ("content moderation", ContentFilter),
    ("content filter", ContentFilter),
    ("safety filter", ContentFilter),
    ("by the safety checker", ContentFilter),
    ("prohibited content", ContentFilter),
    ("out of memory", OutOfMemory),
    ("oom killed", OutOfMemory),
    ("oomkilled", OutOfMemory),
    ("cublas_status_alloc_failed", OutOfMemory),
    ("queue is full", QueueTimeout),
    ("timeout starting prediction", QueueTimeout),
    ("due to high demand", QueueTimeout),
    ("before it began to run", QueueTimeout),
    ("input validation failed", InvalidInput),
    ("input was invalid", InvalidInput),
    ("invalid input", InvalidInput),
];

/// Reads the reason from a prediction that did not succeed.
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
    let lower = text.to_lowercase();
    let by_text = || TEXTS.iter().find(|(part, _)| lower.contains(part));
    by_word.or_else(by_text).map_or(Unknown, |(_, reason)| *reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_texts_have_a_reason() {
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
