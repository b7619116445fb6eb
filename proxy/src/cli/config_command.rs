//! `signing-proxy config`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::output::{Failure, print, warn};
use crate::config::{Environment, Overrides, load};

/// The example that is installed with the program; a test loads it.
pub(crate) const EXAMPLE: &str = include_str!("../../../deploy/example.toml");

#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    /// Load and check the configuration, and print what it says in the end, secrets redacted.
    #[command(after_help = "\
Reads what `serve` would: the file, then SIGNING_PROXY_* variables. Every problem is named with its key, its place
and what is allowed; then the exit code is 2.

Examples:
  signing-proxy config check
  signing-proxy config check --config signing-proxy.toml --format json | jq .connections")]
    Check(CheckArgs),
    /// Print a commented configuration with every key.
    #[command(after_help = "\
Example:
  signing-proxy config example > signing-proxy.toml")]
    Example,
}

#[derive(Args, Debug)]
pub(super) struct CheckArgs {
    /// The configuration file; else `$SIGNING_PROXY_CONFIG`, else `./signing-proxy.toml`.
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The form of what is printed.
    #[arg(long, value_enum, default_value_t = Format::Toml)]
    format: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Toml,
    Json,
}

pub(super) fn run(command: &ConfigCommand, environment: &Environment) -> Result<(), Failure> {
    match command {
        ConfigCommand::Check(args) => check(args, environment),
        ConfigCommand::Example => print(EXAMPLE.as_bytes()),
    }
}

fn check(args: &CheckArgs, environment: &Environment) -> Result<(), Failure> {
    let overrides = Overrides {
        file: args.config.clone(),
        ..Overrides::default()
    };
    let loaded = load(&overrides, environment)?;
    for warning in loaded.config.warnings() {
        warn(&warning);
    }
    let effective = loaded.effective;
    let text = match args.format {
        Format::Toml => effective.to_toml(),
        Format::Json => effective.to_json(),
    };
    print(text.as_bytes())
}
