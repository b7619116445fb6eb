//! `signing-proxy config`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use proxy_config::{Environment, Loaded, Overrides, example, load};
use tokio::runtime::Builder;

use super::block_on;
use super::output::{Failure, print, warn};
use super::resolve::resolve;
use crate::chain_files::chain_files;

#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    /// Load and check the configuration, and say whether it can be used.
    #[command(after_help = "\
Reads what `serve` would: the file, then SIGNING_PROXY_* variables. Every problem is named with its key, its place
and what is allowed; then the exit code is 2. With --resolve a secret that cannot be read is a problem, too.
What can be used, and is worth a second look, is a warning on standard error.

Examples:
  signing-proxy config check
  signing-proxy config check --config signing-proxy.toml --resolve")]
    Check(CheckArgs),
    /// Print every key with the value that it has in the end, secrets redacted.
    #[command(after_help = "\
Examples:
  signing-proxy config show
  signing-proxy config show --config signing-proxy.toml --format json | jq .connections")]
    Show(ShowArgs),
    /// Print a commented configuration with every key.
    #[command(after_help = "\
Example:
  signing-proxy config example > signing-proxy.toml")]
    Example,
}

#[derive(Args, Debug)]
pub(super) struct FileArgs {
    /// The configuration file; else `$SIGNING_PROXY_CONFIG`, else `./signing-proxy.toml`.
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(super) struct CheckArgs {
    #[command(flatten)]
    file: FileArgs,
    /// Read every credential asset, too: variables, files, programs, the vault and AWS's stores.
    #[arg(long)]
    resolve: bool,
}

#[derive(Args, Debug)]
pub(super) struct ShowArgs {
    #[command(flatten)]
    file: FileArgs,
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
        ConfigCommand::Show(args) => show(args, environment),
        ConfigCommand::Example => print(example().as_bytes()),
    }
}

/// The configuration; what is worth a second look goes to standard error.
fn loaded(file: &FileArgs, environment: &Environment) -> Result<Loaded, Failure> {
    let overrides = Overrides {
        file: file.config.clone(),
        ..Overrides::default()
    };
    let loaded = load(&overrides, environment, chain_files)?;
    for warning in loaded.config.warnings() {
        warn(&warning);
    }
    Ok(loaded)
}

fn check(args: &CheckArgs, environment: &Environment) -> Result<(), Failure> {
    let config = loaded(&args.file, environment)?.config;
    let mut outcome = format!("ok: {}", counted(config.connections.len(), "connection"));
    if args.resolve {
        let resolved = block_on(Builder::new_current_thread(), resolve(&config))??;
        for warning in &resolved.warnings {
            warn(warning);
        }
        outcome = format!("{outcome}, {} read", counted(resolved.read, "credential asset"));
    }
    print(format!("{outcome}\n").as_bytes())
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn show(args: &ShowArgs, environment: &Environment) -> Result<(), Failure> {
    let effective = loaded(&args.file, environment)?.effective;
    let text = match args.format {
        Format::Toml => effective.to_toml(),
        Format::Json => effective.to_json(),
    };
    print(text.as_bytes())
}
