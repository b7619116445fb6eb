//! `signing-proxy policy`: IAM's view of requests, and IAM documents.

mod map;

use clap::Subcommand;

use super::output::Failure;

#[derive(Debug, Subcommand)]
pub(super) enum PolicyCommand {
    /// Say which operation requests ask for, and which actions on which resources they need.
    #[command(after_help = r#"
One JSON document per line, with service, region, method and url, and as needed id, account, headers and body (text, or
{"base64": ...}). One answer per line: operation, the pairs of action and resource that must be allowed, whether the
request is refused, actions whose resource is not known, and pairs that AWS may ask for besides. The url's host and
target are read as the proxy reads a request's. A line that is no JSON is reported, and the exit code is 2.

Example:
  echo '{"service":"s3","region":"eu-west-1","method":"GET","url":"https://b.s3.eu-west-1.amazonaws.com/k"}' |
    signing-proxy policy map"#)]
    Map(map::MapArgs),
}

pub(super) fn run(command: &PolicyCommand) -> Result<(), Failure> {
    match command {
        PolicyCommand::Map(args) => map::run(args),
    }
}
