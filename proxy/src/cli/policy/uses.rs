//! `policy s3-read-only` and its siblings: policies for what connections often do.

use auth_model::{AccountId, Partition, Region};
use aws_endpoints::partition_of;
use clap::Args;
use policy_gen::template::{
    BucketName, KeyPrefix, TableName, bedrock_invoke, dynamodb_read, ec2_describe, s3_read_only, s3_read_write,
    workspaces_read,
};
use policy_gen::{Policy, PolicyKind};
use proxy_config::Environment;

use super::documents::{OutputArgs, note};
use crate::cli::output::Failure;

#[derive(Args, Debug)]
pub(in crate::cli) struct S3Args {
    /// The bucket.
    #[arg(long, value_name = "BUCKET")]
    bucket: BucketName,
    /// Only objects whose keys begin so; it ends with a slash.
    #[arg(long, value_name = "PREFIX")]
    prefix: Option<KeyPrefix>,
    /// A region of the bucket's partition; else `$AWS_REGION`, else `$AWS_DEFAULT_REGION`, else one of partition aws.
    #[arg(long, value_name = "REGION")]
    region: Option<Region>,
    #[command(flatten)]
    output: OutputArgs,
}

pub(super) fn s3(args: &S3Args, is_writing: bool, environment: &Environment) -> Result<(), Failure> {
    let region = region(args.region.as_ref(), environment)?;
    if region.is_none() {
        note("no region is named: the ARNs are of partition aws");
    }
    let partition = region.as_ref().map_or(Ok(Partition::Aws), partition)?;
    let of = if is_writing { s3_read_write } else { s3_read_only };
    args.output
        .write(&of(partition, &args.bucket, args.prefix.as_ref()), PolicyKind::Managed)
}

#[derive(Args, Debug)]
pub(in crate::cli) struct BedrockArgs {
    /// The region that requests go to.
    #[arg(long, value_name = "REGION")]
    region: Region,
    /// What is invoked: the id of a foundation model or an inference profile, or an ARN.
    #[arg(long, value_name = "MODEL", required = true, num_args = 1..)]
    model: Vec<String>,
    /// The account, for inference profiles.
    #[arg(long, value_name = "ACCOUNT")]
    account: Option<AccountId>,
    #[command(flatten)]
    output: OutputArgs,
}

pub(super) fn bedrock(args: &BedrockArgs) -> Result<(), Failure> {
    // A made-up region has no models.
    partition(&args.region)?;
    let invoking = bedrock_invoke(&args.region, args.account.as_ref(), &args.model)
        .map_err(|error| Failure::Input(format!("--model: {error}")))?;
    for why in invoking.unresolved {
        note(format_args!("more may be needed: {why}"));
    }
    args.output.write(&invoking.policy, PolicyKind::Managed)
}

#[derive(Args, Debug)]
pub(in crate::cli) struct DynamodbArgs {
    /// The tables' region.
    #[arg(long, value_name = "REGION")]
    region: Region,
    /// The tables' account.
    #[arg(long, value_name = "ACCOUNT")]
    account: AccountId,
    /// The tables.
    #[arg(long, value_name = "TABLE", required = true, num_args = 1..)]
    table: Vec<TableName>,
    #[command(flatten)]
    output: OutputArgs,
}

pub(super) fn dynamodb(args: &DynamodbArgs) -> Result<(), Failure> {
    let policy = dynamodb_read(partition(&args.region)?, &args.region, &args.account, &args.table);
    args.output.write(&policy, PolicyKind::Managed)
}

#[derive(Args, Debug)]
pub(in crate::cli) struct PlainArgs {
    #[command(flatten)]
    output: OutputArgs,
}

pub(super) fn ec2(args: &PlainArgs) -> Result<(), Failure> {
    everywhere(args, &ec2_describe())
}

pub(super) fn workspaces(args: &PlainArgs) -> Result<(), Failure> {
    everywhere(args, &workspaces_read())
}

fn everywhere(args: &PlainArgs, policy: &Policy) -> Result<(), Failure> {
    note("the resource is *: AWS restricts none of these actions to fewer");
    args.output.write(policy, PolicyKind::Managed)
}

fn partition(region: &Region) -> Result<Partition, Failure> {
    partition_of(region).ok_or_else(|| Failure::Input(format!("{region} is not the name of an AWS region")))
}

fn region(flag: Option<&Region>, environment: &Environment) -> Result<Option<Region>, Failure> {
    let ambient = || {
        environment
            .get("AWS_REGION")
            .or_else(|| environment.get("AWS_DEFAULT_REGION"))
    };
    match (flag, ambient()) {
        (Some(region), _) => Ok(Some(region.clone())),
        (None, Some(name)) => Region::parse(name)
            .map(Some)
            .map_err(|error| Failure::Input(format!("$AWS_REGION: {error}"))),
        (None, None) => Ok(None),
    }
}
