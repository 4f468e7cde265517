//! Sockets, files and timers of the operating system. Independent of the API.

mod activity;
mod certificates;
mod decompress;
mod failure;
mod files;
mod gate;
mod http;
mod identity;
mod path_source;
mod pools;
mod proxy;
mod reader;
mod replaced;
mod resolver;
mod runtime;
mod stream_source;
mod tls;
mod unsent;

pub(crate) use self::files::{AtomicFile, absolute, create_folder, is_file, sync_folder, without_code};
pub(crate) use self::proxy::proxy_for;
pub(crate) use self::unsent::watch;
pub use self::{
    http::{HttpOptions, HttpTransport},
    reader::Reader,
    runtime::TokioRuntime,
};
