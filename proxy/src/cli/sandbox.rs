//! `signing-proxy sandbox`.

use clap::Args;

use super::output::Failure;

/// What `sandbox` takes.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Needs no account, no network and no other program. What it prints can be pasted as it is.

Examples:
  signing-proxy sandbox
  signing-proxy sandbox --listen 127.0.0.1:0 --admin off")]
pub struct SandboxArgs {
    /// The address of the proxy's shared listener; port 0 takes a free one.
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:8080")]
    pub listen: String,
    /// The address of the proxy's /livez, /readyz and /metrics, or off.
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:9901")]
    pub admin: String,
}

pub(super) fn run(args: &SandboxArgs) -> Result<(), Failure> {
    let _ = args;
    Err(Failure::running("this build has no sandbox"))
}
