//! The operating system's side: sockets, files and timers. Nothing here knows the API.

mod files;
mod http;
mod reader;
mod runtime;

pub(crate) use self::files::{AtomicFile, PathSource, make_folder};
pub use self::{http::HttpTransport, reader::Reader, runtime::TokioRuntime};
