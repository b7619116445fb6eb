//! `Code` and `Message` of S3's `Error`, Query's `ErrorResponse` and EC2's `Response`.
//!
//! Sources: S3 API reference, "REST error responses"; Smithy, "AWS query protocol", "AWS EC2 query protocol" and "AWS restXml
//! protocol", operation error serialization.

use quick_xml::Reader;
use quick_xml::events::{BytesRef, Event};

use crate::body::Body;

/// `Response/Errors/Error/Code` of EC2 is the deepest.
const MAX_DEPTH: usize = 4;

/// The list of keys that S3 could not delete: each has an `Error`, and the response is a success.
const PARTIAL: &[u8] = b"DeleteResult";

/// The roots of errors, one of which an error has to have after a success status.
const ROOTS: [&[u8]; 3] = [b"Error", b"ErrorResponse", b"Response"];

/// What a document, or its beginning, has in the first of each element. What is not well-formed ends it.
pub(crate) fn read(body: &[u8], is_success: bool) -> Body {
    let mut reader = Reader::from_reader(body);
    let (mut found, mut path, mut text) = (Body::default(), Vec::new(), String::new());
    loop {
        match reader.read_event() {
            Ok(Event::Start(start)) => {
                let name = start.local_name().as_ref().to_vec();
                if path.is_empty() && (name == PARTIAL || (is_success && !ROOTS.contains(&name.as_slice()))) {
                    return found;
                }
                path.push(name);
                text.clear();
            }
            Ok(Event::End(_)) => {
                if let Some(field) = field(&path, &mut found)
                    && field.is_none()
                {
                    *field = Some(text.trim().to_owned());
                }
                path.pop();
                text.clear();
            }
            Ok(Event::Text(part)) => text.push_str(&String::from_utf8_lossy(&part)),
            Ok(Event::CData(part)) => text.push_str(&String::from_utf8_lossy(&part)),
            Ok(Event::GeneralRef(reference)) => text.extend(character(&reference)),
            Ok(Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_)) => {}
            Ok(Event::Eof) | Err(_) => break,
        }
    }
    found.is_aws_form = found.code.is_some();
    found
}

/// Where the text of the element at this path belongs.
fn field<'a>(path: &[Vec<u8>], found: &'a mut Body) -> Option<&'a mut Option<String>> {
    let [.., parent, name] = path else { return None };
    if path.len() > MAX_DEPTH || parent != b"Error" {
        return None;
    }
    match name.as_slice() {
        b"Code" => Some(&mut found.code),
        b"Message" => Some(&mut found.message),
        b"Region" => Some(&mut found.region),
        _ => None,
    }
}

/// The character that a reference stands for; `None` for entities that XML itself does not have.
fn character(reference: &BytesRef<'_>) -> Option<char> {
    if let Ok(Some(character)) = reference.resolve_char_ref() {
        return Some(character);
    }
    match reference.as_ref() {
        b"lt" => Some('<'),
        b"gt" => Some('>'),
        b"amp" => Some('&'),
        b"apos" => Some('\''),
        b"quot" => Some('"'),
        _ => None,
    }
}
