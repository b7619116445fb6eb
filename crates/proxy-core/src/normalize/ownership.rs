//! Whose host, and whose bucket: what is signed for goes to AWS itself, to the connection's own account, or to what the
//! operator has listed.
//!
//! Whoever owns a function URL, a REST API or a VPC endpoint reads what is sent there, the session token included. No
//! policy of the credentials keeps a request from it: it need not call AWS at all.

use http::HeaderValue;
use http::header::HeaderName;

use super::claims::{self, Claim, Claimant};
use super::{Normalized, SignatureOwner};
use crate::error::{ErrorCode, ProxyError};
use crate::permit::Account;
use crate::route::Routed;

const EXPECTED_OWNER: HeaderName = HeaderName::from_static("x-amz-expected-bucket-owner");
const EXPECTED_SOURCE_OWNER: HeaderName = HeaderName::from_static("x-amz-source-expected-bucket-owner");
const COPY_SOURCE: HeaderName = HeaderName::from_static("x-amz-copy-source");

/// Rejects what leads to somebody's own resource, or to another account's, unless the connection lists its host.
///
/// # Errors
///
/// [`ErrorCode::HostNotListed`]; [`ErrorCode::HeadAmbiguous`] where it cannot be read which resource is meant.
pub(super) async fn check_hosts<C>(account: &Account, routed: &Routed<C>) -> Result<(), ProxyError> {
    let (target, head) = (routed.target(), routed.head());
    let hosts = &target.route.config.hosts;
    let is_listed = |claim: &Claim| hosts.iter().any(|pattern| pattern.lists(&claim.host));
    for claim in claims::of(target, head).iter().filter(|claim| !is_listed(claim)) {
        let what = match &claim.claimant {
            Claimant::Unclear => {
                return Err(ProxyError::new(ErrorCode::HeadAmbiguous).with_hint(format!(
                    "Send {} once, with one account's 12 digits or one API's id.",
                    claim.host
                )));
            }
            Claimant::Somebody => "is a resource of somebody's own",
            Claimant::Account(claimed) => match account.look_up().await {
                Some(own) if own == *claimed => continue,
                Some(_) => "is of another account",
                None => "is of an account, and the connection's own account is not known",
            },
        };
        let key = format!("connections.{}.hosts", target.route.name());
        let text = format!("{} {what}, and {key} does not list it", claim.host);
        return Err(ProxyError::new(ErrorCode::HostNotListed)
            .with_hint(format!("{text}: list it there if it may be signed for."))
            .with_cause(text));
    }
    Ok(())
}

/// The headers that have S3 reject the request where its bucket, or that of a copy's source, is not the connection's
/// account's.
///
/// # Errors
///
/// [`ErrorCode::BucketOwnerMismatch`] where the client expects another owner, [`ErrorCode::NoCredentials`] where the
/// account cannot be found out.
pub(super) async fn expected_owners(
    account: &Account,
    request: &Normalized,
) -> Result<Vec<(HeaderName, HeaderValue)>, ProxyError> {
    let Normalized { head, route, .. } = request;
    let is_ours_to_sign = request.signature != SignatureOwner::Client;
    if route.config.expected_bucket_owner.is_none() || !is_ours_to_sign || !claims::has_bucket(request) {
        return Ok(Vec::new());
    }
    let own = account.look_up().await.ok_or_else(|| {
        ProxyError::new(ErrorCode::NoCredentials).with_hint(format!(
            "The account that connections.{}.expected_bucket_owner means is not known: set the connection's account.",
            route.name()
        ))
    })?;
    let is_copy = head.headers.contains_key(COPY_SOURCE);
    let mut owners = Vec::new();
    for (name, is_wanted) in [(EXPECTED_OWNER, true), (EXPECTED_SOURCE_OWNER, is_copy)] {
        let is_own = |value: &[u8]| value.trim_ascii() == own.as_str().as_bytes();
        let mut in_head = head.headers.get_all(&name).iter().map(HeaderValue::as_bytes);
        // S3 takes from the query of a presigned request what would else be a header.
        let in_query = claims::query_values(head.uri.query(), name.as_str());
        if !in_head.all(is_own) || !in_query.iter().all(|value| is_own(value.as_bytes())) {
            return Err(ErrorCode::BucketOwnerMismatch.into());
        }
        if is_wanted {
            let value = HeaderValue::from_str(own.as_str()).map_err(|_| ErrorCode::Internal)?;
            owners.push((name, value));
        }
    }
    Ok(owners)
}
