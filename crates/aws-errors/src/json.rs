//! Errors in JSON: `__type` of AWS JSON, `code` of REST JSON, and objects within the object.
//!
//! Sources: Smithy, "AWS JSON 1.0 protocol", "AWS JSON 1.1 protocol" and "AWS restJson1 protocol", operation error
//! serialization; the Query protocol with `ContentType=JSON`; responses of Coral's front end (`Output`).

use std::fmt;

use serde::Deserializer as _;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use crate::body::Body;
use crate::code::checked;

/// What an object, or its beginning, has. What is not well-formed ends it.
pub(crate) fn read(body: &[u8], is_success: bool) -> Body {
    let mut object = Object::default();
    // A beginning ends in an error; what was read before it counts.
    drop(serde_json::Deserializer::from_slice(body).deserialize_map(&mut object));
    object.into_body(is_success)
}

#[derive(Debug, Default)]
struct Object {
    /// `__type`, also that of `Output`.
    kind: Option<String>,
    code: Option<String>,
    message: Option<String>,
    nested_code: Option<String>,
    nested_message: Option<String>,
}

impl Object {
    fn into_body(self, is_success: bool) -> Body {
        let message = self.message.or(self.nested_message);
        if let Some(kind) = self.kind {
            return Body {
                code: Some(kind),
                message,
                region: None,
                is_aws_form: true,
            };
        }
        let code = self.code.or(self.nested_code).filter(|_| !is_success);
        // Many programs have a `code`, and seldom write it as AWS does.
        let is_aws_form = message.is_some() && code.as_deref().is_some_and(is_camel_case);
        Body {
            code,
            message: message.filter(|_| !is_success),
            region: None,
            is_aws_form,
        }
    }
}

impl<'de> Visitor<'de> for &mut Object {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "__type" => self.kind = text(&map.next_value()?),
                "code" | "Code" => self.code = text(&map.next_value()?),
                "message" | "Message" | "errorMessage" => self.message = text(&map.next_value()?),
                "Output" => {
                    let output: Value = map.next_value()?;
                    self.kind = self.kind.take().or_else(|| field(&output, &["__type"]));
                    self.nested_message = field(&output, &["message", "Message"]);
                }
                "error" | "Error" => {
                    let error: Value = map.next_value()?;
                    self.nested_code = field(&error, &["Code", "code", "type"]);
                    self.nested_message = field(&error, &["Message", "message"]);
                }
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

fn field(object: &Value, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| text(object.get(*name)?))
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn is_camel_case(code: &str) -> bool {
    checked(code).is_some_and(|name| {
        let is_word = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.');
        is_word && name.starts_with(|c: char| c.is_ascii_uppercase()) && name.contains(|c: char| c.is_ascii_lowercase())
    })
}
