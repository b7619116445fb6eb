//! The label that says which of S3's siblings is meant, and what may stand before it.

use auth_model::AccountId;

use crate::host::{HostError, HostResource};

/// What S3's own label in a host name says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::host) enum Kind<'a> {
    /// `s3`
    Buckets,
    /// `s3-accesspoint`
    AccessPoints,
    /// `s3-object-lambda`
    ObjectLambda,
    /// `s3-outposts`
    Outposts,
    /// `s3-control`
    Control,
    /// `s3express-control`
    ExpressControl,
    /// `s3express-ZONE`
    ExpressZone(&'a str),
    /// `s3-website`
    Website,
}

pub(super) const WEBSITE: HostError = HostError::NotSignable {
    what: "S3 website endpoints",
};

const ACCESS_POINT: HostError = HostError::Malformed {
    reason: "an access point's name begins with NAME-ACCOUNT, the account 12 digits",
};

impl<'a> Kind<'a> {
    /// The label's kind and whether it is the FIPS one; `None`: not a label of S3's.
    pub(in crate::host) fn of(label: &'a str) -> Option<(Self, bool)> {
        if let Some(rest) = label.strip_prefix("s3express-") {
            return match rest {
                "control" => Some((Self::ExpressControl, false)),
                "control-fips" => Some((Self::ExpressControl, true)),
                _ => {
                    let (zone, fips) = rest.strip_prefix("fips-").map_or((rest, false), |zone| (zone, true));
                    zone.contains("-az").then_some((Self::ExpressZone(zone), fips))
                }
            };
        }
        let (name, fips) = label.strip_suffix("-fips").map_or((label, false), |name| (name, true));
        let kind = match name {
            "s3" => Self::Buckets,
            "s3-accesspoint" => Self::AccessPoints,
            "s3-object-lambda" => Self::ObjectLambda,
            "s3-outposts" => Self::Outposts,
            "s3-control" => Self::Control,
            "s3-website" if !fips => Self::Website,
            _ => return None,
        };
        Some((kind, fips))
    }

    /// The service, and the resource that the labels before this one name.
    pub(super) fn resource(self, before: &[&str]) -> Result<(&'static str, HostResource), HostError> {
        let resource = match (self, before) {
            (Self::Website, _) => return Err(WEBSITE),
            (Self::Buckets | Self::ObjectLambda | Self::Outposts | Self::Control | Self::ExpressControl, []) => {
                HostResource::None
            }
            (Self::Buckets, _) => HostResource::Bucket(before.join(".")),
            (Self::AccessPoints, [point]) => access_point(point)?,
            (Self::ObjectLambda, [point]) => match split_account(point) {
                Some((name, account)) => HostResource::ObjectLambda { name, account },
                // Where a function sends what it made of an object: `io-…`.
                None => HostResource::Instance((*point).to_owned()),
            },
            (Self::Outposts, [point, outpost]) => outpost_resource(point, outpost)?,
            (Self::Control, [account]) => account_resource(account)?,
            (Self::ExpressZone(zone), []) => directory_bucket(None, zone),
            (Self::ExpressZone(zone), [bucket]) => {
                if !belongs_to(bucket, zone) {
                    return Err(HostError::Malformed {
                        reason: "a directory bucket's name ends with --ZONE--x-s3, the zone as in the host name",
                    });
                }
                directory_bucket(Some((*bucket).to_owned()), zone)
            }
            (Self::AccessPoints, _) => return Err(ACCESS_POINT),
            (Self::ObjectLambda | Self::Outposts | Self::Control | Self::ExpressControl | Self::ExpressZone(_), _) => {
                return Err(HostError::Malformed {
                    reason: "too many labels for this kind of S3 endpoint",
                });
            }
        };
        Ok((self.service(), resource))
    }

    /// The same behind a VPC endpoint, where the last label before its id says whose API is meant.
    pub(in crate::host) fn in_vpc(self, before: &[&str]) -> Result<(&'static str, HostResource), HostError> {
        match (self, before) {
            (Self::Buckets, [] | ["bucket"]) => Ok(("s3", HostResource::None)),
            (Self::Buckets, [bucket @ .., "bucket"]) => Ok(("s3", HostResource::Bucket(bucket.join(".")))),
            (Self::Buckets, [point @ .., "accesspoint"]) => Self::AccessPoints.resource(point),
            (Self::Buckets, [account @ .., "control"]) => Self::Control.resource(account),
            (Self::Buckets, _) => Err(HostError::Malformed {
                reason: "before an S3 VPC endpoint stands bucket, accesspoint or control",
            }),
            _ => self.resource(before),
        }
    }

    fn service(self) -> &'static str {
        match self {
            Self::Buckets | Self::AccessPoints | Self::Website => "s3",
            Self::ObjectLambda => "s3-object-lambda",
            Self::Outposts => "s3-outposts",
            Self::Control => "s3-control",
            Self::ExpressControl | Self::ExpressZone(_) => "s3express",
        }
    }
}

fn access_point(label: &str) -> Result<HostResource, HostError> {
    let (name, account) = split_account(label).ok_or(ACCESS_POINT)?;
    Ok(HostResource::AccessPoint { name, account })
}

/// `NAME-ACCOUNT`: the account is the last twelve digits, the name may hold hyphens.
fn split_account(label: &str) -> Option<(String, AccountId)> {
    let (name, account) = label.rsplit_once('-')?;
    let account = AccountId::parse(account).ok()?;
    (!name.is_empty()).then(|| (name.to_owned(), account))
}

fn account_resource(label: &str) -> Result<HostResource, HostError> {
    let account = AccountId::parse(label).map_err(|_| HostError::Malformed {
        reason: "before s3-control stands an account's 12 digits",
    })?;
    Ok(HostResource::Account(account))
}

/// `NAME-ACCOUNT.OUTPOST`, or an access point's alias, `ALIAS--op-s3.OUTPOST`, which stands for a bucket.
fn outpost_resource(point: &str, outpost: &str) -> Result<HostResource, HostError> {
    if point.ends_with("--op-s3") {
        return Ok(HostResource::Bucket(point.to_owned()));
    }
    let (name, account) = split_account(point).ok_or(ACCESS_POINT)?;
    Ok(HostResource::Outpost {
        name,
        account,
        outpost: outpost.to_owned(),
    })
}

fn directory_bucket(bucket: Option<String>, zone: &str) -> HostResource {
    HostResource::DirectoryBucket {
        bucket,
        zone: zone.to_owned(),
    }
}

/// `BASE--ZONE--x-s3`; `xa` for access points of directory buckets.
fn belongs_to(bucket: &str, zone: &str) -> bool {
    let base = bucket.strip_suffix("--x-s3").or_else(|| bucket.strip_suffix("--xa-s3"));
    let base = base.and_then(|base| base.strip_suffix(zone)?.strip_suffix("--"));
    base.is_some_and(|base| !base.is_empty())
}
