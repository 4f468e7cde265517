//! Base64 with SIMD instructions where available, because inlined files can have megabytes.

use base64::engine::{DecodePaddingMode, GeneralPurposeConfig};

/// Decodes what `fetch` decodes: without padding too, and with any value in the unused bits at the end.
const CONFIG: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod imp {
    use std::sync::LazyLock;

    use base64::engine::{Engine, Simd};

    static ENGINE: LazyLock<Simd> = LazyLock::new(|| Simd::standard(super::CONFIG));

    pub fn engine() -> &'static impl Engine {
        &*ENGINE
    }
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
mod imp {
    use base64::{
        alphabet,
        engine::{Engine, GeneralPurpose},
    };

    static ENGINE: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, super::CONFIG);

    pub fn engine() -> &'static impl Engine {
        &ENGINE
    }
}

pub(crate) use imp::engine;
