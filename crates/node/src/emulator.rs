//! The emulator in this process, for tests of Node programs.

use napi_derive::napi;
use replicant_emulator::Emulator;

/// A running emulator. Stops when it is collected.
#[napi]
pub struct NativeEmulator(Emulator);

#[napi]
impl NativeEmulator {
    /// Starts an emulator with the arguments of its command line.
    #[napi(constructor, catch_unwind)]
    pub fn new(arguments: Vec<String>) -> napi::Result<Self> {
        let arguments =
            replicant_emulator::arguments::parse(arguments.into_iter()).map_err(napi::Error::from_reason)?;
        let config = arguments.map(|arguments| arguments.config).unwrap_or_default();
        Emulator::start(config).map(Self).map_err(|error| napi::Error::from_reason(error.to_string()))
    }

    #[napi]
    pub fn addresses(&self) -> String {
        self.0.addresses_json()
    }

    #[napi]
    pub fn requests(&self) -> String {
        self.0.requests_json()
    }

    #[napi(catch_unwind)]
    pub fn add_faults(&self, rules: String) -> napi::Result<()> {
        self.0.add_faults(&rules).map_err(napi::Error::from_reason)
    }

    #[napi(catch_unwind)]
    pub fn stop(&self) {
        self.0.stop();
    }
}
