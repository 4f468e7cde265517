//! The program is built in layers, each of which imports only what lies below it.

#[path = "../../../tests/support/layers.rs"]
mod layers;

#[test]
fn modules_import_only_lower_layers() {
    layers::check(
        env!("CARGO_MANIFEST_DIR").as_ref(),
        &[
            "failure|host",
            "output",
            "progress|token|interrupt|rows",
            "command",
            "arguments|client",
            "schema|receiver",
            "input",
            "template",
            "commands",
            "help",
            "dispatch|signals",
        ],
    );
}
