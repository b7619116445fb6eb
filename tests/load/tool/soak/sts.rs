//! `AssumeRole`, as far as the proxy needs it.

use std::time::{Duration, SystemTime};

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;

use super::keys::Keys;

/// The response of `AssumeRole`: a session of this number.
pub(super) fn assume_role(keys: &Keys, number: u64, now: SystemTime, lifetime: Duration) -> String {
    let (id, key) = keys.issue(number, now, lifetime);
    let expiration = key.expires_at.map(DateTime::from);
    let expiration = expiration
        .and_then(|end| end.fmt(Format::DateTime).ok())
        .unwrap_or_default();
    format!(
        "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult><AssumedRoleUser>\
         <AssumedRoleId>AROASOAK000000000001:soak</AssumedRoleId>\
         <Arn>arn:aws:sts::111122223333:assumed-role/soak/soak</Arn></AssumedRoleUser><Credentials>\
         <AccessKeyId>{id}</AccessKeyId><SecretAccessKey>{}</SecretAccessKey><SessionToken>{}</SessionToken>\
         <Expiration>{expiration}</Expiration></Credentials></AssumeRoleResult>\
         <ResponseMetadata><RequestId>soak-{number}</RequestId></ResponseMetadata></AssumeRoleResponse>",
        key.secret,
        key.token.unwrap_or_default(),
    )
}
