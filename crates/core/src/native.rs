//! The operating system: sockets, files and timers. Nothing here knows the API.
//!
//! On the web, where there is none, the same names report an error.

#[cfg(not(target_arch = "wasm32"))]
mod files;
#[cfg(not(target_arch = "wasm32"))]
mod http;
#[cfg(target_arch = "wasm32")]
mod no_files;
#[cfg(not(target_arch = "wasm32"))]
mod path_source;
#[cfg(not(target_arch = "wasm32"))]
mod proxy;
#[cfg(not(target_arch = "wasm32"))]
mod reader;
#[cfg(not(target_arch = "wasm32"))]
mod runtime;

#[cfg(not(target_arch = "wasm32"))]
pub(crate) use self::files::{AtomicFile, is_file, make_folder};
#[cfg(target_arch = "wasm32")]
pub(crate) use self::no_files::{AtomicFile, is_file, make_folder};
#[cfg(not(target_arch = "wasm32"))]
pub use self::{http::HttpTransport, reader::Reader, runtime::TokioRuntime};
