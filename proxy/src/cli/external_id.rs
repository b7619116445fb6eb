//! `signing-proxy external-id`.

use auth_model::ExternalId;
use clap::Args;

use super::output::{Failure, print};

/// What `external-id` takes: nothing.
#[derive(Args, Clone, Copy, Debug)]
#[command(after_help = "\
Agree on one with each customer: it goes into auth.external_id here and into the trust policy of the customer's role,
as the condition sts:ExternalId. It is no secret, but nobody else's role may have the same.

Example:
  signing-proxy external-id")]
pub(super) struct ExternalIdArgs {}

pub(super) fn run(_: ExternalIdArgs) -> Result<(), Failure> {
    let mut random = [0; ExternalId::RANDOM_BYTES];
    aws_lc_rs::rand::fill(&mut random).map_err(|_| Failure::running("the system's random number generator fails"))?;
    print(format!("{}\n", ExternalId::of_random_bytes(&random)).as_bytes())
}
