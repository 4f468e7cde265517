//! The operating system's side: sockets, files and timers. Nothing here knows the API.

mod files;
mod http;
mod path_source;
mod proxy;
mod reader;
mod runtime;

pub(crate) use self::{
    files::{AtomicFile, is_file, make_folder},
    path_source::PathSource,
    runtime::on_another_thread,
};
pub use self::{http::HttpTransport, reader::Reader, runtime::TokioRuntime};
