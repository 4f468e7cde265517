//! Writes the JavaScript that loads a WebAssembly module: `replicant-bindgen module.wasm folder name`.
//!
//! The command `wasm-bindgen` does the same. As a program of this workspace it has the version in Cargo.lock, which must be
//! that of the library, and needs no installation.

use std::{env::args, process::ExitCode};

use wasm_bindgen_cli_support::Bindgen;

fn main() -> ExitCode {
    let arguments: Vec<String> = args().skip(1).collect();
    let [module, folder, name] = arguments.as_slice() else {
        eprintln!("usage: replicant-bindgen module.wasm folder name");
        return ExitCode::from(2);
    };
    let mut bindgen = Bindgen::new();
    let written = bindgen
        .input_path(module)
        .out_name(name)
        .typescript(false)
        .web(true)
        .and_then(|bindgen| bindgen.generate(folder));
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{module}: {error:#}");
            ExitCode::FAILURE
        }
    }
}
