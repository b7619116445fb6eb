//! Unpredictable bytes for keys, tokens and request ids.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The letters of AWS's unique ids.
const ID_ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

#[expect(
    clippy::expect_used,
    reason = "without the operating system's randomness no key can be issued"
)]
fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

/// An id of 20 characters that begins with `prefix` (4 letters), such as `ASIA`.
pub(crate) fn unique_id(prefix: &str) -> String {
    let letters = bytes::<16>();
    let letter = |byte: u8| char::from(ID_ALPHABET.get(usize::from(byte % 32)).copied().unwrap_or(b'A'));
    prefix.chars().chain(letters.into_iter().map(letter)).collect()
}

/// A secret access key: 40 characters of base64.
pub(crate) fn secret() -> String {
    STANDARD.encode(bytes::<30>())
}

/// A session token: base64 with `+`, `/` and `=` in it, as AWS's have.
pub(crate) fn token() -> String {
    format!("SANDBOX/+{}==", STANDARD.encode(bytes::<240>()))
}

/// A request id in the form of a UUID.
pub(crate) fn request_id() -> String {
    let hex = hex::encode(bytes::<16>());
    let mut id = String::with_capacity(36);
    for (at, c) in hex.chars().enumerate() {
        if matches!(at, 8 | 12 | 16 | 20) {
            id.push('-');
        }
        id.push(c);
    }
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_the_shape_of_real_ones() {
        assert_eq!(unique_id("ASIA").len(), 20);
        assert_eq!(secret().len(), 40);
        assert_eq!(request_id().len(), 36);
        assert_ne!(token(), token());
    }
}
