//! `signing-proxy policy`: IAM's view of requests, and IAM documents.

mod documents;
mod map;
mod recorded;
mod role;
mod uses;

use clap::Subcommand;
use proxy_config::Environment;

use super::output::Failure;

#[derive(Debug, Subcommand)]
pub(super) enum PolicyCommand {
    /// Print which operation requests are for, and which actions on which resources they need.
    #[command(after_help = r#"
One JSON document per line, with service, region, method and url, and as needed id, account, headers and body (text, or
{"base64": ...}). One line of output for each: operation, the pairs of action and resource that must be allowed, whether the
request is rejected, actions whose resource is not known, and pairs that AWS may require besides. The url's host and
target are read as the proxy reads a request's. A line that is no JSON is reported, and the exit code is 2.

Example:
  echo '{"service":"s3","region":"eu-west-1","method":"GET","url":"https://b.s3.eu-west-1.amazonaws.com/k"}' |
    signing-proxy policy map"#)]
    Map(map::MapArgs),
    /// Write the trust policy of a role: who may assume it.
    #[command(after_help = "\
With --connection the External ID is the one that the configuration has; the user's ARN is not in it, only its keys:
`aws sts get-caller-identity` prints it.

Examples:
  signing-proxy policy trust --principal arn:aws:iam::111122223333:user/acme-proxy --external-id b1c9f0
  signing-proxy policy trust --principal arn:aws:iam::111122223333:user/acme-proxy --connection acme-models")]
    Trust(role::TrustArgs),
    /// Write the policy of the user that assumes a role, and may do nothing else.
    #[command(after_help = "\
Examples:
  signing-proxy policy identity --role-arn arn:aws:iam::222233334444:role/for-the-proxy
  signing-proxy policy identity --connection acme-models --format terraform")]
    Identity(role::IdentityArgs),
    /// Write a policy for reading and listing the objects of a bucket.
    #[command(after_help = "\
Examples:
  signing-proxy policy s3-read-only --bucket my-reports --region eu-west-1
  signing-proxy policy s3-read-only --bucket my-reports --prefix 2026/")]
    S3ReadOnly(uses::S3Args),
    /// Write a policy for reading, listing, writing and deleting the objects of a bucket.
    #[command(after_help = "\
Example:
  signing-proxy policy s3-read-write --bucket my-uploads --prefix robot/")]
    S3ReadWrite(uses::S3Args),
    /// Write a policy for invoking models of Bedrock.
    #[command(after_help = "\
Examples:
  signing-proxy policy bedrock-invoke --region us-east-1 --model amazon.nova-lite-v1:0
  signing-proxy policy bedrock-invoke --region eu-west-1 --account 222233334444 --model eu.amazon.nova-lite-v1:0")]
    BedrockInvoke(uses::BedrockArgs),
    /// Write a policy for reading DynamoDB tables and their indexes.
    #[command(after_help = "\
Example:
  signing-proxy policy dynamodb-read --region eu-west-1 --account 222233334444 --table orders customers")]
    DynamodbRead(uses::DynamodbArgs),
    /// Write a policy for looking at EC2 instances and what belongs to them.
    #[command(after_help = "\
Example:
  signing-proxy policy ec2-describe --format cloudformation")]
    Ec2Describe(uses::PlainArgs),
    /// Write a policy for looking at WorkSpaces.
    #[command(after_help = "\
Example:
  signing-proxy policy workspaces-read")]
    WorkspacesRead(uses::PlainArgs),
    /// Write a session policy: minified, and no longer than STS takes.
    #[command(after_help = "\
Examples:
  signing-proxy policy session --connection acme-models --policy allow.json > session.json
  signing-proxy policy session --connection acme-models --record one.json two.json --generalise prefix:1")]
    Session(recorded::SessionArgs),
    /// Write the least policy that grants what connections were seen to need.
    #[command(after_help = "\
The same traffic gives the same bytes, in whatever order and however often it came. Nothing is wider than what was
recorded unless --generalise or --generalise-writes asks for it; each such place is named on standard error.

Examples:
  signing-proxy policy from-record reports.json > policy.json
  signing-proxy policy from-record one.json two.json --generalise above:20 --strict
  signing-proxy policy from-record reports.json --for allow --output allow.json")]
    FromRecord(recorded::FromRecordArgs),
    /// Say what a policy grants that nobody used, and what was used that it does not grant.
    #[command(after_help = "\
Exits with 3 where there is a difference.

Example:
  signing-proxy policy diff policy.json reports.json")]
    Diff(recorded::DiffArgs),
}

pub(super) fn run(command: &PolicyCommand, environment: &Environment) -> Result<(), Failure> {
    match command {
        PolicyCommand::Map(args) => map::run(args),
        PolicyCommand::Trust(args) => role::trust_policy(args, environment),
        PolicyCommand::Identity(args) => role::identity_policy(args, environment),
        PolicyCommand::S3ReadOnly(args) => uses::s3(args, false, environment),
        PolicyCommand::S3ReadWrite(args) => uses::s3(args, true, environment),
        PolicyCommand::BedrockInvoke(args) => uses::bedrock(args),
        PolicyCommand::DynamodbRead(args) => uses::dynamodb(args),
        PolicyCommand::Ec2Describe(args) => uses::ec2(args),
        PolicyCommand::WorkspacesRead(args) => uses::workspaces(args),
        PolicyCommand::Session(args) => recorded::session(args, environment),
        PolicyCommand::FromRecord(args) => recorded::from_record(args),
        PolicyCommand::Diff(args) => recorded::difference(args),
    }
}
