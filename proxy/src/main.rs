//! The `signing-proxy` command.
fn main() {}
