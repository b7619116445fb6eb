//! An error of RPC v2 CBOR.

/// A map of two texts.
pub(super) fn error(code: &str, message: &str) -> Vec<u8> {
    let mut map = vec![0xa2];
    for text in ["__type", code, "message", message] {
        push_text(&mut map, text);
    }
    map
}

/// Texts of ours are shorter than 64 KiB.
fn push_text(out: &mut Vec<u8>, text: &str) {
    match u8::try_from(text.len()) {
        Ok(length) if length < 24 => out.push(0x60 | length),
        Ok(length) => out.extend([0x78, length]),
        Err(_) => {
            let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
            out.push(0x79);
            out.extend(length.to_be_bytes());
        }
    }
    out.extend(text.as_bytes());
}
