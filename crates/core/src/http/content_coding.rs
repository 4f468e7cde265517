//! The codings of a body: `Content-Encoding`.

/// A coding that transports decode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

impl Coding {
    /// Returns the codings of a body in the order in which they were applied. Names that are unknown, such as
    /// `aws-chunked`, say nothing about the bytes and are skipped.
    pub fn of(headers: &[(String, String)]) -> Vec<Self> {
        let values = headers.iter().filter(|(name, _)| name == "content-encoding");
        let names = values.flat_map(|(_, value)| value.split(','));
        names
            .filter_map(|name| match name.trim().to_ascii_lowercase().as_str() {
                "gzip" | "x-gzip" => Some(Self::Gzip),
                "deflate" => Some(Self::Deflate),
                "br" => Some(Self::Brotli),
                "zstd" => Some(Self::Zstd),
                _ => None,
            })
            .collect()
    }

    /// Returns the name in `Content-Encoding`.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
            Self::Brotli => "br",
            Self::Zstd => "zstd",
        }
    }
}

/// Returns `true` if a transport decoded the body: its length, ranges and checksums are then those of other bytes.
pub(crate) fn is_encoded(headers: &[(String, String)]) -> bool {
    !Coding::of(headers).is_empty()
}
