//! The command-line program `replicant`.

use replicant_cli::{Host, find_emulator};

fn main() {
    let arguments = std::env::args_os().skip(1).collect();
    let code = replicant_cli::main(arguments, &Host { find_emulator: &find_emulator });
    std::process::exit(code.into());
}
