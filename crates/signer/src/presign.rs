//! Signing a request in its query, for somebody else to send.

use std::time::Duration;

use http::Uri;
use http::header::HOST;
use http::request::Parts;
use http::uri::{PathAndQuery, Scheme};

use crate::canonical::{CredentialScope, canonical_request};
use crate::error::SignError;
use crate::escape::push_text_strictly;
use crate::headers::{signed_lines, write_names};
use crate::host::signed_host;
use crate::sign::{PayloadText, Rules, SignInput, Signer, check_head};
use crate::target::MAX_WIRE_BYTES;
use crate::time::AmzTime;

/// Seven days. Source: AWS Signature Version 4, "Query parameters", `X-Amz-Expires`.
const MAX_EXPIRY_SECONDS: u64 = 604_800;

impl Signer {
    /// The URI of a request that is signed in its query, good for 1 to 604,800 whole seconds from the input's time.
    ///
    /// Whoever uses the URI must send the headers that were signed: of those in the head `content-type`, `content-md5`
    /// and `x-amz-*`. S3 takes [`Payload::Unsigned`](crate::Payload::Unsigned) only. The scheme is https where the
    /// head's URI has none.
    ///
    /// ```
    /// # use std::time::{Duration, UNIX_EPOCH};
    /// # use auth_model::{AccessKeyId, Credentials, Region, Secret, SecretAccessKey, SigningName};
    /// # use aws_endpoints::PathEncoding;
    /// # use signer::{Payload, SignInput, Signer, SigningScope};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let credentials = Credentials::new(
    /// #     AccessKeyId::parse("AKIAIOSFODNN7EXAMPLE")?,
    /// #     SecretAccessKey::parse(Secret::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"))?,
    /// # );
    /// # let scope = SigningScope { region: Region::parse("us-east-1")?, name: SigningName::parse("s3")? };
    /// // The example of S3's documentation.
    /// let (head, ()) = http::Request::get("https://examplebucket.s3.amazonaws.com/test.txt").body(())?.into_parts();
    /// let input = SignInput {
    ///     scope: &scope,
    ///     path_encoding: PathEncoding::Single,
    ///     credentials: &credentials,
    ///     payload: Payload::Unsigned,
    ///     time: UNIX_EPOCH + Duration::from_secs(1_369_353_600), // 2013-05-24
    /// };
    /// let uri = Signer::new().presign(&head, &input, Duration::from_secs(86_400))?;
    /// let signature = "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";
    /// assert!(uri.to_string().ends_with(&format!("&X-Amz-Signature={signature}")));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Signer::sign`]; and [`SignError::ExpiryOutOfRange`], [`SignError::TargetTooLong`].
    pub fn presign(&self, head: &Parts, input: &SignInput<'_>, expires: Duration) -> Result<Uri, SignError> {
        self.presign_by(&Rules::OURS, head, input, expires)
    }

    pub(crate) fn presign_by(
        &self,
        rules: &Rules,
        head: &Parts,
        input: &SignInput<'_>,
        expires: Duration,
    ) -> Result<Uri, SignError> {
        check_head(head)?;
        if !(1..=MAX_EXPIRY_SECONDS).contains(&expires.as_secs()) || expires.subsec_nanos() != 0 {
            return Err(SignError::ExpiryOutOfRange);
        }
        let time = AmzTime::at(input.time).ok_or(SignError::TimeOutOfRange)?;
        let scope = CredentialScope::version_4(&time, input.scope);
        let host = signed_host(head)?;
        let lines = signed_lines(&head.headers, rules.signs, std::iter::once((HOST.as_str(), &*host)));

        let credential = encoded(|text| {
            text.push_str(input.credentials.access_key_id.as_str());
            text.push('/');
            scope.write_scope(text);
        });
        let names = encoded(|text| write_names(text, &lines));
        let seconds = expires.as_secs().to_string();
        let token = input
            .credentials
            .session_token
            .as_ref()
            .map(|token| encoded(|text| text.push_str(token.expose())));
        let mut pairs = vec![
            ("X-Amz-Algorithm", scope.algorithm),
            ("X-Amz-Credential", &credential),
            ("X-Amz-Date", time.date_time()),
            ("X-Amz-Expires", &seconds),
            ("X-Amz-SignedHeaders", &names),
        ];
        let token_pair = token.as_deref().map(|token| ("X-Amz-Security-Token", token));
        let late_token = if rules.signs_token {
            pairs.extend(token_pair);
            None
        } else {
            token_pair
        };

        let payload = PayloadText::of(&input.payload);
        let request = canonical_request(head, input.path_encoding, &pairs, &lines, payload.as_str())?;
        let to_sign = scope.string_to_sign(request);
        let key = self.keys.signing_key(input.credentials, time.date(), input.scope);
        let signature = key.sign(to_sign.as_bytes());
        pairs.extend(late_token);
        pairs.push(("X-Amz-Signature", signature.as_str()));
        uri(head, &host, &pairs)
    }
}

/// The strictly encoded form of what is written.
fn encoded(write: impl FnOnce(&mut String)) -> String {
    let mut text = String::new();
    write(&mut text);
    let mut encoded = String::with_capacity(text.len() + 16);
    push_text_strictly(&mut encoded, &text);
    encoded
}

fn uri(head: &Parts, host: &str, pairs: &[(&str, &str)]) -> Result<Uri, SignError> {
    let mut target = head.uri.path().to_owned();
    let mut separator = '?';
    if let Some(query) = head.uri.query() {
        target.push('?');
        target.push_str(query);
        separator = '&';
    }
    for (name, value) in pairs {
        target.push(separator);
        target.push_str(name);
        target.push('=');
        target.push_str(value);
        separator = '&';
    }
    if target.len() > MAX_WIRE_BYTES {
        return Err(SignError::TargetTooLong);
    }
    let target = PathAndQuery::try_from(target).map_err(|_| SignError::TargetTooLong)?;
    Uri::builder()
        .scheme(head.uri.scheme().cloned().unwrap_or(Scheme::HTTPS))
        .authority(host)
        .path_and_query(target)
        .build()
        .map_err(|_| SignError::InvalidHost)
}

#[cfg(test)]
mod tests;
