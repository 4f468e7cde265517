//! Files in inputs and outputs: upload, inline, download, save.

mod base64_engine;
mod checksum;
mod data_uri;
mod download;
#[cfg(not(target_arch = "wasm32"))]
pub(crate) mod file_names;
#[cfg(not(target_arch = "wasm32"))]
mod folder;
#[cfg(target_arch = "wasm32")]
#[path = "files/no_folder.rs"]
mod folder;
mod inline;
mod input;
pub(crate) mod output;
pub(crate) mod save_all;
pub(crate) mod upload;
pub(crate) mod upload_progress;
