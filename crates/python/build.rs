//! Tells the linker that Python provides its own symbols when it loads the module.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // Elsewhere, libraries may have undefined symbols by default.
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("macos") {
        println!("cargo::rustc-cdylib-link-arg=-undefined");
        println!("cargo::rustc-cdylib-link-arg=dynamic_lookup");
    }
}
