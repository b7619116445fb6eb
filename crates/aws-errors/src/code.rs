//! Codes as AWS writes them.

/// The longest code, in bytes. The longest of EC2's has some 70.
pub(crate) const MAX_CODE: usize = 96;

/// The code without the namespace before it and the address or `Sender` after it; `None` where that is no code as AWS writes
/// them.
pub(crate) fn checked(text: &str) -> Option<&str> {
    let code = text.split([':', ';']).next().unwrap_or_default();
    let code = code.rsplit('#').next().unwrap_or_default().trim();
    is_code(code).then_some(code)
}

pub(crate) fn is_code(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (1..=MAX_CODE).contains(&text.len()) && text.bytes().all(is_part)
}
