//! Multi-factor authentication: a device and the codes it shows.

use crate::asset::AssetReference;
use crate::secret::Secret;
use crate::text::{is_iam_name_byte, is_made_of};

text_type!(
    /// An MFA device: the serial number of a hardware device or the ARN of a virtual one.
    ///
    /// 9 to 256 of `[\w+=/:,.@-]`.
    MfaSerial,
    InvalidMfaSerial,
    "an MFA serial is 9 to 256 of A-Z, a-z, 0-9 and '_+=/:,.@-': a device's number or arn:aws:iam::ACCOUNT:mfa/NAME",
    |text| is_made_of(text, 9, 256, |b| is_iam_name_byte(b) || b == b':' || b == b'/')
);

/// The device that a role's trust policy requires, and where its codes come from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Mfa {
    /// The device.
    pub serial: MfaSerial,
    /// Where the code of the moment is kept. AWS takes each code once, so it is read again for each session.
    pub code: AssetReference,
}

/// A one-time code: exactly six digits.
#[derive(Clone, Debug)]
pub struct MfaCode(Secret);

/// Not a one-time code.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a one-time code is six digits")]
pub struct InvalidMfaCode;

impl MfaCode {
    /// Checks the text; white space around it is dropped.
    ///
    /// # Errors
    ///
    /// [`InvalidMfaCode`], which never repeats the text.
    pub fn parse(text: &Secret) -> Result<Self, InvalidMfaCode> {
        let code = text.expose().trim();
        if is_made_of(code, 6, 6, |b| b.is_ascii_digit()) {
            Ok(Self(Secret::new(code)))
        } else {
            Err(InvalidMfaCode)
        }
    }

    /// The code itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serials_have_characters_and_lengths() {
        let of = |length| MfaSerial::parse("G".repeat(length)).is_ok();
        assert_eq!([8, 9, 256, 257].map(of), [false, true, true, false]);
        assert!(MfaSerial::parse("arn:aws:iam::123456789012:mfa/a_b+c=d,e.f@g-h").is_ok());
        for bad in ["GAHT 12345678", "GAHT*12345678", "GÄHT12345678"] {
            assert!(MfaSerial::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn codes_are_six_digits_and_never_shown() {
        let parse = |text: &str| MfaCode::parse(&Secret::new(text));
        assert_eq!(parse(" 012345\n").unwrap().expose(), "012345");
        for bad in ["", "12345", "1234567", "12 345", "12345a", "１２３４５６"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
        assert!(!format!("{:?}", parse("012345")).contains("012345"));
    }
}
