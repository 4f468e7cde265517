//! Checks that each layer of the core and of the bindings imports only lower layers.

#[path = "../../../tests/support/layers.rs"]
mod layers;

use std::path::Path;

fn check(crate_folder: &str, order: &[&str]) {
    layers::check(&Path::new(env!("CARGO_MANIFEST_DIR")).join(crate_folder), order);
}

#[test]
fn modules_of_the_core_import_only_lower_layers() {
    check(
        ".",
        &[
            "platform",
            "value",
            "error",
            "telemetry",
            "http|identifier|webhook",
            "native|no_native",
            "client",
            "files",
            "predictions",
            "map|no_map|resources",
            "bindings|extract|operation",
        ],
    );
}

#[test]
fn modules_of_the_web_binding_import_only_lower_layers() {
    check(
        "../web",
        &[
            "error|host|object",
            "tasks",
            "waiting",
            "runtime",
            "source",
            "value",
            "promises",
            "stream",
            "telemetry",
            "transport",
            "client",
        ],
    );
}

#[test]
fn modules_of_the_node_binding_import_only_lower_layers() {
    check(
        "../node",
        &[
            "error|program",
            "runtime",
            "source",
            "value",
            "promises",
            "stream",
            "telemetry",
            "transport",
            "client",
        ],
    );
}
