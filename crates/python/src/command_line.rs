//! The command-line program.

use std::{ffi::OsString, path::PathBuf};

use pyo3::prelude::*;
use replicant_cli::Host;

use crate::runtime::gate;

/// Runs the command-line program and returns its exit code.
#[pyfunction]
#[pyo3(signature = (arguments, find_emulator, /))]
pub fn command_line(py: Python<'_>, arguments: Vec<OsString>, find_emulator: Py<PyAny>) -> u8 {
    let find = || {
        let found = gate::attach(|py| {
            let path = find_emulator.call0(py).and_then(|path| path.extract::<PathBuf>(py));
            path.map_err(|error| error.value(py).to_string())
        });
        found.unwrap_or_else(|| Err("the interpreter ends".to_owned()))
    };
    let _inside = gate::enter(py);
    gate::detach(py, || replicant_cli::main(arguments, &Host { find_emulator: &find }))
}
