//! Writes CBOR, for the newest SDKs' `rpc-v2-cbor`. Source: RFC 8949.

use serde_json::Value;

/// The JSON value in CBOR, with definite lengths and the shortest integers.
pub(crate) fn encode(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    write(&mut out, value);
    out
}

/// The major types used here, in the upper three bits of an item's first byte.
const UNSIGNED: u8 = 0 << 5;
const NEGATIVE: u8 = 1 << 5;
const TEXT: u8 = 3 << 5;
const ARRAY: u8 = 4 << 5;
const MAP: u8 = 5 << 5;
/// Where the argument follows the first byte, in its lower five bits.
const IN_1_BYTE: u8 = 0x18;
const IN_2_BYTES: u8 = 0x19;
const IN_4_BYTES: u8 = 0x1a;
const IN_8_BYTES: u8 = 0x1b;
const FALSE: u8 = 0xf4;
const TRUE: u8 = 0xf5;
const NULL: u8 = 0xf6;
const DOUBLE: u8 = 0xfb;

fn write(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Null => out.push(NULL),
        Value::Bool(truth) => out.push(if *truth { TRUE } else { FALSE }),
        Value::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(unsigned), _) => write_head(out, UNSIGNED, unsigned),
            // CBOR writes n < 0 as -1 - n.
            (None, Some(negative)) => write_head(out, NEGATIVE, negative.unsigned_abs() - 1),
            (None, None) => {
                out.push(DOUBLE);
                out.extend(number.as_f64().unwrap_or_default().to_be_bytes());
            }
        },
        Value::String(text) => write_text(out, text),
        Value::Array(items) => {
            write_head(out, ARRAY, items.len() as u64);
            for item in items {
                write(out, item);
            }
        }
        Value::Object(members) => {
            write_head(out, MAP, members.len() as u64);
            for (name, member) in members {
                write_text(out, name);
                write(out, member);
            }
        }
    }
}

fn write_text(out: &mut Vec<u8>, text: &str) {
    write_head(out, TEXT, text.len() as u64);
    out.extend(text.as_bytes());
}

/// The item's type and its argument, in as few bytes as hold it.
fn write_head(out: &mut Vec<u8>, major: u8, argument: u64) {
    let [.., b4, b3, b2, b1] = argument.to_be_bytes();
    match argument {
        0..=23 => out.push(major | b1),
        24..=0xff => out.extend([major | IN_1_BYTE, b1]),
        0x100..=0xffff => out.extend([major | IN_2_BYTES, b2, b1]),
        0x1_0000..=0xffff_ffff => out.extend([major | IN_4_BYTES, b4, b3, b2, b1]),
        _ => {
            out.push(major | IN_8_BYTES);
            out.extend(argument.to_be_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Examples of RFC 8949, appendix A.
    #[test]
    fn the_standards_examples_come_out() {
        for (value, expected) in [
            (json!(0), "00"),
            (json!(23), "17"),
            (json!(24), "1818"),
            (json!(1000), "1903e8"),
            (json!(1_000_000), "1a000f4240"),
            (json!(1_000_000_000_000_u64), "1b000000e8d4a51000"),
            (json!(-1), "20"),
            (json!(-1000), "3903e7"),
            (json!(1.1), "fb3ff199999999999a"),
            (json!([false, true, null]), "83f4f5f6"),
            (json!("ü"), "62c3bc"),
            (json!({ "a": 1, "b": [2, 3] }), "a26161016162820203"),
            (json!({}), "a0"),
        ] {
            assert_eq!(hex::encode(encode(&value)), expected, "{value}");
        }
    }
}
