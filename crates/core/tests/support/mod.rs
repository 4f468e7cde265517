//! What the tests of the core share.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(dead_code, reason = "no test uses all of it")]

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use replicant::{Client, Options};
use replicant_emulator::{Config, Emulator, Script};

/// A folder that is deleted when it is dropped.
pub struct Folder(PathBuf);

impl Folder {
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub fn temporary_folder() -> Folder {
    let folder = std::env::temp_dir().join(format!("replicant-{:016x}", fastrand::u64(..)));
    std::fs::create_dir(&folder).unwrap();
    Folder(folder)
}

/// A server that plays `exchanges`, in which `{{base}}`, `{{origin}}` and `{{other}}` are its URLs.
pub fn play(exchanges: &str, options: Options) -> (Emulator, Arc<Script>, Client) {
    let emulator = Emulator::start(Config::default()).unwrap();
    let script = emulator.replay(&format!(r#"{{"exchanges": {exchanges}}}"#)).unwrap();
    let options = Options { base_url: Some(script.base_url()), token: Some("r8_secret".into()), ..options };
    let client = Client::new(options).unwrap();
    (emulator, script, client)
}

pub fn quick() -> Options {
    Options { clock_rate: Some(50.0), ..Options::default() }
}

pub async fn settled(script: &Script) {
    replicant::background::drain(Duration::from_secs(20)).await;
    assert!(script.problems().is_empty(), "{:#?}", script.problems());
}
