//! Signature Version 4a: a signature that is good for a set of regions, as S3's multi-region access points want it.
//!
//! ECDSA on P-256 with a key derived from the secret. Written over aws-lc, which is there anyway: the SDK's signer would
//! bring a second implementation of the curve, and searches the key again for every request.
//!
//! Source: the derivation is NIST SP 800-108 (counter mode) with FIPS 186-5, A.2.2; its labels are those of
//! aws-c-auth's `key_derivation.c`.

use std::fmt;

use aws_lc_rs::hmac::{self, HMAC_SHA256};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use zeroize::Zeroizing;

use crate::error::SignError;
use crate::hash::hex;
use crate::key::mac_into;

pub(crate) const ALGORITHM: &str = "AWS4-ECDSA-P256-SHA256";

/// The regions a signature is good for: names with `*` for any characters, a `,` between each two.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct RegionSet(String);

/// The text is not a valid [`RegionSet`].
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a region set is 1 to 1024 of a-z, 0-9, '-', '*' and ',', such as * or us-*,eu-west-1")]
pub struct InvalidRegionSet;

impl RegionSet {
    /// Every region: what a multi-region access point needs.
    #[must_use]
    pub fn all() -> Self {
        Self("*".to_owned())
    }

    /// Checks the text.
    ///
    /// ```
    /// use signer::RegionSet;
    ///
    /// assert!(RegionSet::parse("us-*,eu-west-1").is_ok());
    /// assert!(RegionSet::parse("us-east-1,").is_err());
    /// ```
    ///
    /// # Errors
    ///
    /// [`InvalidRegionSet`] where a name is empty or has other characters than its text says.
    pub fn parse(text: impl Into<String>) -> Result<Self, InvalidRegionSet> {
        let text = text.into();
        let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-*".contains(&byte);
        let is_set = text
            .split(',')
            .all(|name| !name.is_empty() && name.bytes().all(is_allowed));
        if is_set && text.len() <= 1024 {
            Ok(Self(text))
        } else {
            Err(InvalidRegionSet)
        }
    }

    /// The text as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A key pair derived from an access key. `Debug` shows nothing of it; aws-lc wipes the memory on drop.
pub(crate) struct SigningKey4a(EcdsaKeyPair);

/// The order of the group of P-256, less two: the largest candidate, to which one is added.
///
/// Source: NIST SP 800-186, 3.2.1.3.
const LARGEST_CANDIDATE: [u8; 32] = [
    0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xBC, 0xE6, 0xFA,
    0xAD, 0xA7, 0x17, 0x9E, 0x84, 0xF3, 0xB9, 0xCA, 0xC2, 0xFC, 0x63, 0x25, 0x4F,
];

impl SigningKey4a {
    pub(crate) fn derive(id: &str, secret: &str) -> Result<Self, SignError> {
        let mut text = Zeroizing::new(Vec::with_capacity(5 + secret.len()));
        text.extend_from_slice(b"AWS4A");
        text.extend_from_slice(secret.as_bytes());
        let key = hmac::Key::new(HMAC_SHA256, &text);
        // One candidate in four thousand million is too large.
        for counter in 1..=u8::MAX {
            let mut candidate = Zeroizing::new([0; 32]);
            mac_into(&key, &fixed_input(id, counter), &mut candidate);
            if *candidate <= LARGEST_CANDIDATE {
                add_one(&mut candidate);
                return Self::from_scalar(&candidate);
            }
        }
        Err(SignError::CryptographyFailed)
    }

    /// By way of RFC 5915: version 1, the scalar, and the curve's name.
    fn from_scalar(scalar: &[u8; 32]) -> Result<Self, SignError> {
        let mut der = Zeroizing::new(Vec::with_capacity(51));
        der.extend_from_slice(&[0x30, 0x31, 0x02, 0x01, 0x01, 0x04, 0x20]);
        der.extend_from_slice(scalar);
        der.extend_from_slice(&[0xA0, 0x0A, 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07]);
        EcdsaKeyPair::from_private_key_der(&ECDSA_P256_SHA256_ASN1_SIGNING, &der)
            .map(Self)
            .map_err(|_| SignError::CryptographyFailed)
    }

    /// The signature in hexadecimal digits.
    pub(crate) fn sign(&self, string_to_sign: &[u8]) -> Result<String, SignError> {
        let signature = self
            .0
            .sign(&SystemRandom::new(), string_to_sign)
            .map_err(|_| SignError::CryptographyFailed)?;
        Ok(hex(signature.as_ref()))
    }
}

/// Iteration, label, context, length in bits: the fields of the derivation's input.
fn fixed_input(id: &str, counter: u8) -> Vec<u8> {
    [
        &1_u32.to_be_bytes(),
        ALGORITHM.as_bytes(),
        &[0],
        id.as_bytes(),
        &[counter],
        &256_u32.to_be_bytes(),
    ]
    .concat()
}

fn add_one(number: &mut [u8; 32]) {
    for byte in number.iter_mut().rev() {
        let (sum, carries) = byte.overflowing_add(1);
        *byte = sum;
        if !carries {
            return;
        }
    }
}

impl fmt::Debug for SigningKey4a {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey4a(<redacted>)")
    }
}

#[cfg(test)]
mod tests;
