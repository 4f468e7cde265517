//! Formats values as text.

use std::fmt;

use super::Value;

impl fmt::Display for Value {
    /// Writes strings and URLs as they are, everything else as JSON.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(string) = self.as_str() {
            return f.write_str(string);
        }
        match serde_json::to_string(self) {
            Ok(json) => f.write_str(&json),
            // The value holds bytes or a file, which JSON cannot express.
            Err(_) => write!(f, "{self:?}"),
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => write!(f, "<{} bytes>", bytes.len()),
            Self::File(file) => write!(f, "{file:?}"),
            Self::Array(items) => f.debug_list().entries(items).finish(),
            Self::Object(members) => f.debug_map().entries(members).finish(),
            Self::Null => f.write_str("null"),
            Self::Bool(bool) => write!(f, "{bool}"),
            Self::Number(number) => write!(f, "{number}"),
            Self::String(string) => write!(f, "{string:?}"),
            Self::FileUrl(url) => write!(f, "{url:?}"),
            Self::Json(text) => f.write_str(text),
        }
    }
}
