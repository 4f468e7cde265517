//! For the bindings of Python and JavaScript, and for the command-line program; not covered by semantic versioning.

mod following;

pub use self::following::{Following, HookResult, Wanted};
#[cfg(not(target_arch = "wasm32"))]
pub use crate::{
    client::turns::Turns,
    http::secrets::is_secret_option,
    map::{checkpoint::close_in_child, folder::CheckpointFolder},
    platform::per_process::PerProcess,
    predictions::{leave::leave, options::CANCEL_AFTER},
};
pub use crate::{error::header, platform::lock::lock, value::nearest::nearest};
