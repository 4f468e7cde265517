//! Base64 with SIMD instructions where available, because inlined files can have megabytes.

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod imp {
    use std::sync::LazyLock;

    use base64::engine::{Engine, Simd, general_purpose::PAD};

    static ENGINE: LazyLock<Simd> = LazyLock::new(|| Simd::standard(PAD));

    pub fn engine() -> &'static impl Engine {
        &*ENGINE
    }
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
mod imp {
    use base64::engine::{Engine, general_purpose::STANDARD};

    pub fn engine() -> &'static impl Engine {
        &STANDARD
    }
}

pub(crate) use imp::engine;
