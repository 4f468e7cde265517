//! The binding is built in layers, each of which imports only what lies below it.

#[path = "../../../tests/support/layers.rs"]
mod layers;

#[test]
fn modules_import_only_lower_layers() {
    layers::check(
        env!("CARGO_MANIFEST_DIR").as_ref(),
        &[
            "once",
            "raised",
            "runtime",
            "awaitable",
            "secret",
            "source",
            "value",
            "error",
            "reply",
            "asyncio",
            "telemetry",
            "read_ahead",
            "reading",
            "transport",
            "client",
            "stream",
            "command_line",
            "turns|folder",
        ],
    );
}
