//! Signing for a set of regions, by version 4a.

use std::sync::Arc;

use auth_model::Credentials;
use http::request::Parts;

use super::{Rules, SignInput, Signer, sign_head};
use crate::canonical::CredentialScope;
use crate::error::SignError;
use crate::payload::FollowUp;
use crate::signed::SignedHeaders;
use crate::time::AmzTime;
use crate::version_4a::{ALGORITHM, RegionSet, SigningKey4a};

impl Signer {
    /// As [`Signer::sign`], by version 4a for a set of regions; the input's own region is not used.
    ///
    /// Costs an elliptic curve signature, some tens of microseconds. Signing twice gives two signatures, both valid.
    ///
    /// ```
    /// use signer::RegionSet;
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
    /// let uri = "https://mfzwi23gnjvgw.mrap.accesspoint.s3-global.amazonaws.com/key";
    /// let (mut head, ()) = http::Request::get(uri).body(())?.into_parts();
    /// let input = SignInput {
    ///     scope: &scope,
    ///     path_encoding: PathEncoding::Single,
    ///     credentials: &credentials,
    ///     payload: Payload::Empty,
    ///     time: UNIX_EPOCH + Duration::from_secs(1_369_353_600), // 2013-05-24
    /// };
    /// Signer::new().sign_v4a(&head, &input, &RegionSet::all())?.apply(&mut head);
    /// assert_eq!(head.headers["x-amz-region-set"], "*");
    /// assert!(head.headers["authorization"].to_str()?.starts_with("AWS4-ECDSA-P256-SHA256 "));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Signer::sign`]; and [`SignError::ChunksNotSignable`] for payloads that are signed piece by piece.
    pub fn sign_v4a(
        &self,
        head: &Parts,
        input: &SignInput<'_>,
        regions: &RegionSet,
    ) -> Result<SignedHeaders, SignError> {
        self.sign_v4a_by(&Rules::OURS, head, input, regions)
    }

    pub(crate) fn sign_v4a_by(
        &self,
        rules: &Rules,
        head: &Parts,
        input: &SignInput<'_>,
        regions: &RegionSet,
    ) -> Result<SignedHeaders, SignError> {
        if input.payload.follow_up() != FollowUp::None {
            return Err(SignError::ChunksNotSignable);
        }
        let time = AmzTime::at(input.time).ok_or(SignError::TimeOutOfRange)?;
        let scope = CredentialScope {
            algorithm: ALGORITHM,
            time: &time,
            region: None,
            name: input.scope.name.as_str(),
        };
        let key = self.signing_key_4a(input.credentials)?;
        let (signed, _) = sign_head(rules, head, input, &scope, Some(regions.as_str()), |text| {
            key.sign(text)
        })?;
        Ok(signed)
    }

    fn signing_key_4a(&self, credentials: &Credentials) -> Result<Arc<SigningKey4a>, SignError> {
        let id = credentials.access_key_id.as_str();
        let secret = credentials.secret_access_key.expose();
        let origin = self.keys_4a.origin(&[id, secret]);
        if let Some(key) = self.keys_4a.find(&origin) {
            return Ok(key);
        }
        let key = Arc::new(SigningKey4a::derive(id, secret)?);
        // The key is good for any day.
        self.keys_4a.keep(origin, "", Arc::clone(&key));
        Ok(key)
    }
}
