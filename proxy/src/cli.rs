//! The command line: what it takes, and what it exits with.
//!
//! Exit codes: 0 where all went well, also after a graceful stop; 1 where running failed; 2 where the command line,
//! the configuration or a command's input cannot be used; 3 where a command that compares or checks found something; 8 where
//! `serve` cut requests when it was stopped.

mod check;
mod config_command;
mod external_id;
mod healthcheck;
#[cfg(test)]
#[cfg(feature = "sandbox")]
mod mistakes;
mod output;
mod policy;
mod resolve;
#[cfg(feature = "sandbox")]
mod sandbox;
mod serve;

use std::ffi::OsString;
use std::future::Future;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;
use proxy_config::Environment;
use tokio::runtime::Builder;

use crate::process;
use output::{Failure, print};

pub use check::CheckArgs;
pub use healthcheck::HealthcheckArgs;
#[cfg(feature = "sandbox")]
pub use sandbox::SandboxArgs;
pub use serve::{ConfigArgs, ServeArgs};

/// The name of the program, as people type it.
const PROGRAM: &str = "signing-proxy";

/// Signs plain HTTP requests with AWS Signature Version 4 and forwards them.
#[derive(Debug, Parser)]
#[command(name = PROGRAM, version, propagate_version = true, max_term_width = 100, arg_required_else_help = true)]
#[command(after_help = examples(cfg!(feature = "sandbox")))]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// The examples of what this build can do, and the exit codes.
fn examples(has_sandbox: bool) -> String {
    let sandbox = if has_sandbox {
        "
  signing-proxy sandbox
      Try everything on this machine: an embedded AWS, a proxy in front of it, commands to paste."
    } else {
        ""
    };
    format!(
        "\
Examples:{sandbox}
  signing-proxy serve --service s3 --region us-east-1
      Sign S3 requests with whatever credentials the AWS SDKs would find.
  signing-proxy config example > signing-proxy.toml && signing-proxy config check
      Begin a configuration, and see whether it can be used.
  signing-proxy check
      Find out whether its connections work, and if not, whose policy, key or clock is wrong.

Exit codes: 0 all went well; 1 running failed; 2 command line, configuration or input cannot be used; 3 a check found
something; 8 requests were cut when serve was stopped."
    )
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the proxy.
    Serve(ServeArgs),
    /// Run an embedded AWS with a proxy in front of it, to try everything on this machine.
    #[cfg(feature = "sandbox")]
    Sandbox(SandboxArgs),
    /// Find out whether connections work, and if not, which side is wrong.
    Check(CheckArgs),
    /// Request /readyz of a running proxy, for containers without a shell.
    Healthcheck(healthcheck::HealthcheckArgs),
    /// Print a new External ID for a customer's trust policy.
    ExternalId(external_id::ExternalIdArgs),
    /// Check the configuration, or begin one.
    #[command(subcommand)]
    Config(config_command::ConfigCommand),
    /// Say what requests ask of IAM, and write IAM documents.
    #[command(subcommand)]
    Policy(policy::PolicyCommand),
    /// Print the completions of a shell.
    #[command(after_help = "\
Examples:
  signing-proxy completions bash > ~/.local/share/bash-completion/completions/signing-proxy
  signing-proxy completions zsh  > ~/.zfunc/_signing-proxy
  signing-proxy completions fish > ~/.config/fish/completions/signing-proxy.fish")]
    Completions {
        /// The shell.
        shell: Shell,
    },
}

/// The definition of the command line, for tests of the documentation.
#[cfg(test)]
pub(crate) fn command() -> clap::Command {
    Cli::command()
}

/// Runs the program with the arguments and environment of this process.
#[must_use]
pub fn main() -> ExitCode {
    // Before anything is read that may be a secret.
    if let Err(error) = process::harden() {
        return Failure::running(error).report();
    }
    match run(
        std::env::args_os(),
        &Environment::of_process(sts_client::asset_schemes()),
    ) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn run(arguments: impl IntoIterator<Item = OsString>, environment: &Environment) -> Result<(), Failure> {
    match Cli::try_parse_from(arguments)?.command {
        Command::Serve(args) => serve::run(&args, environment),
        #[cfg(feature = "sandbox")]
        Command::Sandbox(args) => sandbox::run(&args),
        Command::Check(args) => check::run(&args, environment),
        Command::Healthcheck(args) => healthcheck::run(&args, environment),
        Command::ExternalId(args) => external_id::run(args),
        Command::Config(command) => config_command::run(&command, environment),
        Command::Policy(command) => policy::run(&command, environment),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), PROGRAM, &mut script);
            print(&script)
        }
    }
}

/// Runs the future to its end on a runtime of this kind.
fn block_on<F: Future>(mut runtime: Builder, future: F) -> Result<F::Output, Failure> {
    let runtime = runtime.enable_all().build().map_err(Failure::running)?;
    Ok(runtime.block_on(future))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(line.split(' '))
    }

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_has_examples() {
        fn check(command: &clap::Command) {
            let subcommands: Vec<_> = command.get_subcommands().collect();
            let is_leaf = subcommands.is_empty();
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(!is_leaf || help.contains("signing-proxy "), "{}", command.get_name());
            for subcommand in subcommands {
                check(subcommand);
            }
        }
        check(&Cli::command());
    }

    /// In the build without default features, which CI tests, too, there is no `sandbox` to be named.
    #[test]
    fn help_names_no_command_that_this_build_does_not_have() {
        fn check(top: &clap::Command, command: &mut clap::Command) {
            let help = command.render_long_help().to_string();
            for (_, rest) in help
                .match_indices("signing-proxy ")
                .map(|(at, found)| help.split_at(at + found.len()))
            {
                let mut words = rest.split(|c: char| c.is_whitespace() || c == '`');
                let word = words.next().unwrap_or_default();
                // Usage lines, the program in prose, and flags.
                if word.starts_with(['[', '<', '-']) || word.is_empty() {
                    continue;
                }
                let found = top.find_subcommand(word);
                assert!(found.is_some(), "{}: signing-proxy {word}", command.get_name());
                let nested: Vec<_> = found.into_iter().flat_map(clap::Command::get_subcommands).collect();
                let next = words.next().unwrap_or_default();
                let is_nested = nested.is_empty() || next.starts_with(['[', '<', '-']);
                assert!(
                    is_nested || nested.iter().any(|one| one.get_name() == next),
                    "{word} {next}"
                );
            }
            for subcommand in command.get_subcommands_mut() {
                check(top, subcommand);
            }
        }
        let mut command = Cli::command();
        command.build();
        let top = command.clone();
        check(&top, &mut command);
        let help = command.render_long_help().to_string();
        assert_eq!(help.contains("sandbox"), cfg!(feature = "sandbox"), "{help}");
    }

    #[test]
    fn every_flag_is_explained() {
        const PAGE: &str = include_str!("../../docs/configuration.md");

        fn check(command: &clap::Command) {
            for argument in command.get_arguments().filter_map(clap::Arg::get_long) {
                assert!(
                    PAGE.contains(&format!("`--{argument}")),
                    "docs/configuration.md lacks --{argument}"
                );
            }
            command.get_subcommands().for_each(check);
        }
        check(&command());
    }

    #[test]
    fn the_examples_are_those_of_the_build() {
        assert!(examples(true).contains("signing-proxy sandbox") && !examples(false).contains("sandbox"));
        assert_eq!(examples(true).lines().count(), examples(false).lines().count() + 2);
    }

    #[test]
    fn flags_that_need_each_other() {
        assert!(parse("signing-proxy serve --service s3 --region us-east-1").is_ok());
        assert!(parse("signing-proxy serve --listen 127.0.0.1:1 --admin off").is_ok());
        assert!(parse("signing-proxy check reports --config x.toml --json --strict").is_ok());
        assert!(parse("signing-proxy check --service s3 --region us-east-1").is_ok());
        for line in [
            "signing-proxy serve --region us-east-1",
            "signing-proxy serve --endpoint http://x",
            "signing-proxy serve --service s3 --config x.toml",
            "signing-proxy config show --format yaml",
            "signing-proxy config check --format json",
            "signing-proxy check --bucket a/b",
            "signing-proxy check one two",
            "signing-proxy serv",
        ] {
            assert_eq!(parse(line).unwrap_err().exit_code(), 2, "{line}");
        }
        for line in ["signing-proxy --version", "signing-proxy serve --help"] {
            assert_eq!(parse(line).unwrap_err().exit_code(), 0, "{line}");
        }
    }
}
