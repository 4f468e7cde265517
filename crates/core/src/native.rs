//! Sockets, files and timers of the operating system. Independent of the API.
//!
//! The web has no file system: there, the same functions return an error.

#[cfg(not(target_arch = "wasm32"))]
mod certificates;
#[cfg(not(target_arch = "wasm32"))]
mod decompress;
#[cfg(not(target_arch = "wasm32"))]
mod failure;
#[cfg(not(target_arch = "wasm32"))]
mod files;
#[cfg(not(target_arch = "wasm32"))]
mod gate;
#[cfg(not(target_arch = "wasm32"))]
mod http;
#[cfg(not(target_arch = "wasm32"))]
mod identity;
#[cfg(target_arch = "wasm32")]
mod no_files;
#[cfg(not(target_arch = "wasm32"))]
mod path_source;
#[cfg(not(target_arch = "wasm32"))]
mod proxy;
#[cfg(not(target_arch = "wasm32"))]
mod reader;
#[cfg(not(target_arch = "wasm32"))]
mod replaced;
#[cfg(not(target_arch = "wasm32"))]
mod runtime;
#[cfg(not(target_arch = "wasm32"))]
mod tls;
#[cfg(not(target_arch = "wasm32"))]
mod unsent;

#[cfg(not(target_arch = "wasm32"))]
pub(crate) use self::files::{AtomicFile, create_folder, is_file};
#[cfg(target_arch = "wasm32")]
pub(crate) use self::no_files::{AtomicFile, save_files};
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use self::proxy::proxy_for;
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use self::unsent::watch;
#[cfg(not(target_arch = "wasm32"))]
pub use self::{
    http::{HttpOptions, HttpTransport},
    reader::Reader,
    runtime::TokioRuntime,
};
