//! AWS Signature Version 4 over exactly the bytes that go on the wire.
//!
//! Three steps, each before anything is sent, and nothing changes afterwards:
//! 1. [`WireTarget`] rewrites path and query to the one spelling that all servers read alike.
//! 2. [`clean_headers`] removes what must not pass, and makes the rest unambiguous.
//! 3. [`Signer::sign`] signs that head, and [`SignedHeaders::apply`] completes it. Or [`Signer::presign`], for a URI;
//!    or [`Signer::sign_v4a`], for S3's multi-region access points.
//!
//! ```
//! use std::time::{Duration, UNIX_EPOCH};
//!
//! use auth_model::{AccessKeyId, Credentials, Region, Secret, SecretAccessKey, SigningName};
//! use aws_endpoints::PathEncoding;
//! use signer::{Payload, SignInput, Signer, SigningScope, WireTarget, clean_headers};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // The example "GET bucket lifecycle" of S3's documentation.
//! let target = WireTarget::parse("/?lifecycle", PathEncoding::Single)?;
//! let uri = format!("https://examplebucket.s3.amazonaws.com{}", target.as_str());
//! let (mut head, ()) = http::Request::get(uri).body(())?.into_parts();
//! clean_headers(&mut head.headers);
//! let credentials = Credentials::new(
//!     AccessKeyId::parse("AKIAIOSFODNN7EXAMPLE")?,
//!     SecretAccessKey::parse(Secret::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"))?,
//! );
//! let scope = SigningScope {
//!     region: Region::parse("us-east-1")?,
//!     name: SigningName::parse("s3")?,
//! };
//! let input = SignInput {
//!     scope: &scope,
//!     path_encoding: PathEncoding::Single,
//!     credentials: &credentials,
//!     payload: Payload::Empty,
//!     time: UNIX_EPOCH + Duration::from_secs(1_369_353_600), // 2013-05-24
//! };
//! let signed = Signer::new().sign(&head, &input)?;
//! assert_eq!(
//!     signed.signature(),
//!     "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"
//! );
//! signed.apply(&mut head);
//! assert_eq!(head.headers["x-amz-date"], "20130524T000000Z");
//! # Ok(())
//! # }
//! ```
//!
//! Promises, each with a test of its own:
//! - No input makes it panic, and a request is signed wholly or left alone.
//! - What is signed is what is sent: a target that is not in wire form is rejected.
//! - Order and case of headers never change a signature; any byte it covers does.
//! - A client's own authentication never reaches AWS, and a client cannot make us drop ours.
//! - Nothing here prints a secret, a token or a signature.
//!
//! Where signers and servers disagree, decided here:
//! - `+` in a query is sent as `%20`; S3 and services like it read it so, and how a service reads a bare `+` no longer matters.
//! - `%2F` in the path is a slash in S3's keys, and stays `%2F` for S3 Control and for everything that is not S3.
//! - Spaces at the ends of a signed value and runs inside are folded in the signature, not on the wire; tabs become
//!   spaces on the wire (botocore, Java and CRT fold them, Go and aws-sigv4 do not).
//! - A signed header outside of ASCII is rejected: S3 reads Latin-1 and signs it as UTF-8, others take it as it is.
//!   Headers that are not signed may hold anything.
//! - `Host` loses its scheme's default port and its capitals, on the wire and in the signature.
//!
//! Invariant: no I/O, no clock, no bodies; the time and the body's hash are arguments.

mod canonical;
mod chunk;
mod clean;
mod error;
mod escape;
mod event;
mod hash;
mod headers;
mod host;
mod key;
mod payload;
mod presign;
mod scope;
mod sign;
mod signed;
mod target;
mod time;
#[cfg(test)]
mod vectors;
mod version_4a;

pub use chunk::ChunkSigner;
pub use clean::{Removed, clean_headers, remove_hop_by_hop};
pub use error::{HeaderFault, SignError};
pub use event::{Envelope, EventSigner};
pub use hash::Signature;
pub use payload::Payload;
pub use scope::SigningScope;
pub use sign::{SignInput, Signer};
pub use signed::SignedHeaders;
pub use target::{TargetError, TargetFault, TargetPart, WireTarget};
pub use version_4a::{InvalidRegionSet, RegionSet};
