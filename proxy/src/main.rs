//! The `signing-proxy` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    signing_proxy::cli::main()
}
