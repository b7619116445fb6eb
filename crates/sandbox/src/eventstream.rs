//! Frames of `application/vnd.amazon.eventstream`.
//!
//! Total length, headers' length, CRC-32 of these two (all `u32`, big endian), headers, payload, CRC-32 of all before.
//! A header: name's length (`u8`), name, type 7 (string), value's length (`u16`), value.
//! Source: the Smithy specification, "Amazon Event Stream".

use bytes::{BufMut, Bytes, BytesMut};
use serde_json::json;

/// Length of the prelude with its checksum, and of the checksum at the end.
const PRELUDE: usize = 12;
const TRAILER: usize = 4;
/// Type of a header whose value is text.
const STRING: u8 = 7;

/// The content type of event streams.
pub(crate) const EVENT_STREAM: &str = "application/vnd.amazon.eventstream";

/// One event of that type with a JSON payload.
pub(crate) fn event(event_type: &str, payload: &[u8]) -> Bytes {
    message(
        &[
            (":event-type", event_type),
            (":content-type", "application/json"),
            (":message-type", "event"),
        ],
        payload,
    )
}

/// The message that ends a stream with an error.
pub(crate) fn exception(code: &str, text: &str) -> Bytes {
    message(
        &[
            (":exception-type", code),
            (":content-type", "application/json"),
            (":message-type", "exception"),
        ],
        json!({ "message": text }).to_string().as_bytes(),
    )
}

fn message(headers: &[(&str, &str)], payload: &[u8]) -> Bytes {
    let mut encoded = BytesMut::new();
    for (name, value) in headers {
        encoded.put_u8(u8::try_from(name.len()).unwrap_or(u8::MAX));
        encoded.put_slice(name.as_bytes());
        encoded.put_u8(STRING);
        encoded.put_u16(u16::try_from(value.len()).unwrap_or(u16::MAX));
        encoded.put_slice(value.as_bytes());
    }
    let total = PRELUDE + encoded.len() + payload.len() + TRAILER;
    let mut frame = BytesMut::with_capacity(total);
    frame.put_u32(u32::try_from(total).unwrap_or(u32::MAX));
    frame.put_u32(u32::try_from(encoded.len()).unwrap_or(u32::MAX));
    frame.put_u32(crc32fast::hash(&frame));
    frame.put_slice(&encoded);
    frame.put_slice(payload);
    frame.put_u32(crc32fast::hash(&frame));
    frame.freeze()
}
