//! Checksums of objects, computed while their bytes pass.
//!
//! Source: Amazon S3, "Checking object integrity": names, algorithms, and base64 of the big-endian sum.

use aws_lc_rs::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crc_fast::{CrcAlgorithm, Digest};
use http::{HeaderMap, HeaderName};

/// The algorithms that can be computed here. S3 knows more; those can only be passed on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ChecksumAlgorithm {
    /// `CRC-32/ISO-HDLC`.
    Crc32,
    /// `CRC-32/ISCSI`.
    Crc32c,
    /// `CRC-64/NVME`.
    Crc64Nvme,
    /// FIPS 180.
    Sha1,
    /// FIPS 180.
    Sha256,
}

use ChecksumAlgorithm::{Crc32, Crc32c, Crc64Nvme, Sha1, Sha256};

impl ChecksumAlgorithm {
    const ALL: [Self; 5] = [Crc32, Crc32c, Crc64Nvme, Sha1, Sha256];

    /// The header or trailer that holds its value.
    #[must_use]
    pub fn header(self) -> HeaderName {
        HeaderName::from_static(match self {
            Crc32 => "x-amz-checksum-crc32",
            Crc32c => "x-amz-checksum-crc32c",
            Crc64Nvme => "x-amz-checksum-crc64nvme",
            Sha1 => "x-amz-checksum-sha1",
            Sha256 => "x-amz-checksum-sha256",
        })
    }

    /// The algorithm whose value the header holds; `None` for one that cannot be computed here.
    pub fn of_header(name: &HeaderName) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.header() == *name)
    }

    /// How long its value is, in base64.
    pub(super) fn value_length(self) -> u64 {
        let bytes = match self {
            Crc32 | Crc32c => 4,
            Crc64Nvme => 8,
            Sha1 => 20_u64,
            Sha256 => 32,
        };
        bytes.div_ceil(3) * 4
    }
}

/// Whether the head brings a digest of the object: S3 takes no second one, and needs none.
#[must_use]
pub fn has_checksum(headers: &HeaderMap) -> bool {
    let is_value = |name: &HeaderName| {
        let name = name.as_str();
        let algorithm = name.strip_prefix("x-amz-checksum-");
        name == "content-md5" || algorithm.is_some_and(|rest| !matches!(rest, "algorithm" | "mode" | "type"))
    };
    headers.keys().any(is_value)
}

/// A checksum under way.
pub(super) struct Checksum(ChecksumState);

enum ChecksumState {
    Crc32(Digest),
    Crc64(Digest),
    Sha(Context),
}

impl Checksum {
    pub(super) fn new(algorithm: ChecksumAlgorithm) -> Self {
        Self(match algorithm {
            Crc32 => ChecksumState::Crc32(Digest::new(CrcAlgorithm::Crc32IsoHdlc)),
            Crc32c => ChecksumState::Crc32(Digest::new(CrcAlgorithm::Crc32Iscsi)),
            Crc64Nvme => ChecksumState::Crc64(Digest::new(CrcAlgorithm::Crc64Nvme)),
            Sha1 => ChecksumState::Sha(Context::new(&SHA1_FOR_LEGACY_USE_ONLY)),
            Sha256 => ChecksumState::Sha(Context::new(&SHA256)),
        })
    }

    pub(super) fn update(&mut self, data: &[u8]) {
        match &mut self.0 {
            ChecksumState::Crc32(digest) | ChecksumState::Crc64(digest) => digest.update(data),
            ChecksumState::Sha(context) => context.update(data),
        }
    }

    /// The value as it is in a header.
    pub(super) fn finish(self) -> String {
        match self.0 {
            // The lower half holds all of it.
            ChecksumState::Crc32(digest) => STANDARD.encode(digest.finalize().to_be_bytes().split_at(4).1),
            ChecksumState::Crc64(digest) => STANDARD.encode(digest.finalize().to_be_bytes()),
            ChecksumState::Sha(context) => STANDARD.encode(context.finish()),
        }
    }
}

impl std::fmt::Debug for Checksum {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Checksum").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `CHECK` values of the CRC catalogue and of FIPS 180, in base64.
    #[test]
    fn sums_are_those_of_the_catalogues() {
        for (algorithm, data, want) in [
            (Crc32, "123456789", "y/Q5Jg=="),
            (Crc32c, "123456789", "4waSgw=="),
            (Crc64Nvme, "123456789", "rosUhgp5mIg="),
            (Sha1, "abc", "qZk+NkcGgWq6PiVxeFDCbJzQ2J0="),
            (Sha256, "abc", "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="),
        ] {
            let mut sum = Checksum::new(algorithm);
            let (one, other) = data.split_at(1);
            sum.update(one.as_bytes());
            sum.update(other.as_bytes());
            let value = sum.finish();
            assert_eq!(value, want, "{algorithm:?}");
            assert_eq!(value.len() as u64, algorithm.value_length());
            assert_eq!(ChecksumAlgorithm::of_header(&algorithm.header()), Some(algorithm));
        }
    }

    #[test]
    fn a_digest_in_the_head_is_not_what_only_names_its_algorithm() {
        for (name, want) in [
            ("content-md5", true),
            ("x-amz-checksum-crc32", true),
            ("x-amz-checksum-xxhash3", true),
            ("x-amz-checksum-algorithm", false),
            ("x-amz-checksum-type", false),
            ("x-amz-sdk-checksum-algorithm", false),
        ] {
            let headers = HeaderMap::from_iter([(HeaderName::from_static(name), "x".parse().unwrap())]);
            assert_eq!(has_checksum(&headers), want, "{name}");
        }
    }
}
