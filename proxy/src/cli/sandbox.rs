//! `signing-proxy sandbox`.

use clap::Args;
use proxy_config::{LogConfig, LogFormat, LogLevel};
use tokio::runtime::Builder;

use super::block_on;
use super::output::Failure;
use crate::sandbox_command::{self, SandboxCommandError, SandboxOptions};

/// What `sandbox` takes.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Needs no account, no network and no other program. What it prints can be pasted as it is.

Examples:
  signing-proxy sandbox
  signing-proxy sandbox --self-test
  signing-proxy sandbox --listen 127.0.0.1:0 --admin off")]
pub struct SandboxArgs {
    /// The address of the proxy's shared listener; port 0 takes a free one. [default: 127.0.0.1:8080, or a free port
    /// where that is taken]
    #[arg(long, value_name = "IP:PORT")]
    pub listen: Option<String>,
    /// The address of the proxy's /livez, /readyz and /metrics, or off. [default: 127.0.0.1:9901, or a free port where
    /// that is taken]
    #[arg(long, value_name = "IP:PORT")]
    pub admin: Option<String>,
    /// Send what the printed commands would send, say how each went, and end; the exit code is 0 where all went well.
    #[arg(long)]
    pub self_test: bool,
}

pub(super) fn run(args: &SandboxArgs) -> Result<(), Failure> {
    // Requests show on standard output, in a form for people.
    crate::log::init(LogConfig {
        format: LogFormat::Auto,
        level: LogLevel::Warn,
    });
    let options = SandboxOptions {
        listen: args.listen.clone(),
        admin: args.admin.clone(),
        self_test: args.self_test,
    };
    match block_on(Builder::new_multi_thread(), sandbox_command::run(options))? {
        Err(SandboxCommandError::Config(error)) => Err(error.into()),
        other => other.map_err(Failure::running),
    }
}
