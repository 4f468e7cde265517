// What native modules are built for: the npm package's suffix, and Rust's name for the same machine.
export const TARGETS = {
  "darwin-arm64": "aarch64-apple-darwin",
  "darwin-x64": "x86_64-apple-darwin",
  "linux-arm64-gnu": "aarch64-unknown-linux-gnu",
  "linux-arm64-musl": "aarch64-unknown-linux-musl",
  "linux-x64-gnu": "x86_64-unknown-linux-gnu",
  "linux-x64-musl": "x86_64-unknown-linux-musl",
  "win32-arm64-msvc": "aarch64-pc-windows-msvc",
  "win32-x64-msvc": "x86_64-pc-windows-msvc",
};

/** The oldest glibc that the packages run on: that of RHEL 8 and Debian 10, Amazon Linux 2023 has a newer one. */
export const GLIBC = "2.28";
