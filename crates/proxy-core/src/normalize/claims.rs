//! Whose the places are that a request names: in its host, in an access point's ARN, in the account of S3 Control.

use auth_model::AccountId;
use aws_endpoints::percent::decode_lossy;
use aws_endpoints::{AwsHost, EndpointVariant, HostError, HostOwner, endpoint, parse_host};
use http::Method;
use http::request::Parts;

use super::Normalized;
use crate::route::{Target, names_bucket};

const ACCOUNT_ID: &str = "x-amz-account-id";
const API_ID: &str = "x-apigw-api-id";

/// A place that is not AWS's own.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Claim {
    /// Its host, or the one that the request means by other words: what would have to be listed.
    pub(super) host: String,
    pub(super) claimant: Claimant,
}

/// Whose it is.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Claimant {
    Somebody,
    Account(AccountId),
    /// The request names one in a way that two readers could read in two ways, or that nobody can.
    Unclear,
}

/// The places that the request names.
pub(super) fn of(target: &Target, head: &Parts) -> Vec<Claim> {
    let mut claims = Vec::new();
    // What goes to an endpoint of the operator's goes where he has said.
    if target.route.endpoint().is_none() {
        claims.extend(of_host(target));
    }
    if target.route.traits.is_s3_family {
        let path = target.path_and_query.split('?').next().unwrap_or_default();
        claims.extend(of_arn(target, path));
        let sources = head.headers.get_all("x-amz-copy-source").iter();
        claims.extend(sources.filter_map(|source| of_arn(target, source.to_str().ok()?)));
        claims.extend(of_control(target, head));
    }
    claims.extend(of_api(target, head));
    claims
}

/// Whose the host is that the request goes to, whether the client has named it or the proxy has made it of a path.
fn of_host(target: &Target) -> Option<Claim> {
    let host = target.authority.split(':').next().unwrap_or_default();
    let meant = match parse_host(host) {
        Ok(meant) => Some(meant),
        Err(HostError::Ambiguous { readings }) => readings.into_iter().find(|host| target.route.serves(host)),
        Err(_) => None,
    };
    let claimant = match meant.as_ref().map(AwsHost::owner) {
        Some(HostOwner::Aws) => return None,
        Some(HostOwner::Account(account)) => Claimant::Account(account.clone()),
        // The host that the tables make of a service and a region newer than they are.
        None if host == target.route.authority() => return None,
        Some(HostOwner::Somebody) | None => Claimant::Somebody,
    };
    Some(Claim {
        host: host.to_owned(),
        claimant,
    })
}

/// The access point whose ARN begins a path, or the source of a copy: `arn:aws:s3:REGION:ACCOUNT:accesspoint/NAME/KEY`.
fn of_arn(target: &Target, text: &str) -> Option<Claim> {
    let text = decode_lossy(text);
    let fields: Vec<&str> = text.trim_start_matches('/').splitn(6, ':').collect();
    let ["arn", _, service, region, account, resource] = fields.as_slice() else {
        return None;
    };
    let account = AccountId::parse(*account).ok()?;
    let parts: Vec<&str> = resource.split(['/', ':']).take(4).collect();
    // The suffix of the connection's own host, where that is AWS's.
    let own = target.route.authority().split_once('.').map(|(_, rest)| rest);
    let own = own.filter(|_| parse_host(target.route.authority()).is_ok());
    let place = own.map_or_else(|| format!("{region}.amazonaws.com"), str::to_owned);
    let host = match (*service, parts.as_slice()) {
        ("s3-object-lambda", [_, name, ..]) => format!("{name}-{account}.s3-object-lambda.{place}"),
        (_, ["outpost", outpost, _, name]) => format!("{name}-{account}.{outpost}.s3-outposts.{place}"),
        (_, [_, name, ..]) => format!("{name}-{account}.s3-accesspoint.{place}"),
        (_, _) => format!("{account}.s3-control.{place}"),
    };
    Some(Claim {
        host: host.to_ascii_lowercase(),
        claimant: Claimant::Account(account),
    })
}

/// The account that a request to S3 Control means, where its header says so.
///
/// Source: S3 API reference, `x-amz-account-id` of the operations of S3 Control.
fn of_control(target: &Target, head: &Parts) -> Option<Claim> {
    if target.route.config.connection.service.as_str() != "s3-control" {
        return None;
    }
    let account = match values(target, head, ACCOUNT_ID).as_slice() {
        [] => return None,
        [written] => AccountId::parse(written.as_str()).ok(),
        [_, _, ..] => None,
    };
    let Some(account) = account else {
        return Some(Claim::unclear(ACCOUNT_ID));
    };
    Some(Claim {
        host: format!("{account}.{}", target.route.authority()),
        claimant: Claimant::Account(account),
    })
}

/// The REST API that a request through a VPC endpoint means, where its header says so and not its host.
///
/// Source: API Gateway Developer Guide, "Invoke a private API" (`x-apigw-api-id`).
fn of_api(target: &Target, head: &Parts) -> Option<Claim> {
    let service = &target.route.config.connection.service;
    if service.as_str() != "execute-api" {
        return None;
    }
    let values = values(target, head, API_ID);
    let id = match values.as_slice() {
        [] => return None,
        [id] => Some(id).filter(|id| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric())),
        [_, _, ..] => None,
    };
    let own = endpoint(service, &target.route.scope.region, EndpointVariant::default()).ok();
    let (Some(id), Some(own)) = (id, own) else {
        return Some(Claim::unclear(API_ID));
    };
    Some(Claim {
        host: format!("{}.{}", id.to_ascii_lowercase(), own.host),
        claimant: Claimant::Somebody,
    })
}

impl Claim {
    fn unclear(name: &str) -> Self {
        Self {
            host: name.to_owned(),
            claimant: Claimant::Unclear,
        }
    }
}

/// All values of a field, those of the query among them: services may take from there what would be a header.
fn values(target: &Target, head: &Parts, name: &str) -> Vec<String> {
    let query = target.path_and_query.split_once('?').map(|(_, query)| query);
    let in_head = head.headers.get_all(name).iter();
    in_head
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        .chain(query_values(query, name))
        .collect()
}

/// Whether the request names a bucket, or an object in one: `ListBuckets` and `CreateBucket` have no owner to expect.
pub(super) fn has_bucket(request: &Normalized) -> bool {
    let path = request.head.uri.path().trim_start_matches('/');
    let (has_bucket, has_key) = if names_bucket(request.resource()) {
        (true, !path.is_empty())
    } else {
        let key = path.split_once('/').map_or("", |(_, key)| key);
        (!path.is_empty(), !key.is_empty())
    };
    let is_plain = matches!(request.head.uri.query(), None | Some("" | "x-id=CreateBucket"));
    let creates = request.head.method == Method::PUT && !has_key && is_plain;
    has_bucket && !creates
}

/// What the query says under this name.
pub(super) fn query_values(query: Option<&str>, name: &str) -> Vec<String> {
    let decoded = |text: &str| decode_lossy(text).into_owned();
    let pairs = query
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs
        .filter(|(key, _)| decoded(key).eq_ignore_ascii_case(name))
        .map(|(_, value)| decoded(value))
        .collect()
}
