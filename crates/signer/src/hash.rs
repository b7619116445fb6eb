//! SHA-256 and hexadecimal, without allocation.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};

/// The SHA-256 of the bytes.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    for (to, from) in hash.iter_mut().zip(digest(&SHA256, bytes).as_ref()) {
        *to = *from;
    }
    hash
}

/// 32 bytes as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) struct Hex([u8; 64]);

impl Hex {
    pub(crate) fn of(bytes: &[u8; 32]) -> Self {
        let mut digits = [0; 64];
        for (pair, byte) in digits.chunks_exact_mut(2).zip(bytes) {
            for (digit, nibble) in pair.iter_mut().zip([byte >> 4, byte & 0x0F]) {
                *digit = lower_digit(nibble);
            }
        }
        Self(digits)
    }

    pub(crate) fn as_str(&self) -> &str {
        // Digits only; the fallback is never taken.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// Any bytes as lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 0x0F])
        .map(|nibble| char::from(lower_digit(nibble)))
        .collect()
}

const fn lower_digit(nibble: u8) -> u8 {
    if nibble < 10 { b'0' + nibble } else { b'a' - 10 + nibble }
}

/// A version 4 signature: 64 hexadecimal digits. `Debug` hides it, for logs keep whatever is printed.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct Signature(Hex);

impl Signature {
    pub(crate) fn of(tag: &[u8; 32]) -> Self {
        Self(Hex::of(tag))
    }

    /// The 64 digits, in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl AsRef<str> for Signature {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signature(<redacted>)")
    }
}
