//! From what was read to the secret in it.

use std::fmt;
use std::mem::take;

use auth_model::Secret;
use serde_json::Value;
use zeroize::{Zeroize as _, Zeroizing};

use crate::error::AssetError;

/// The whole text, or the string at the pointer of the JSON in it.
pub(crate) fn select(asset: &impl fmt::Display, text: &str, pointer: Option<&str>) -> Result<Secret, AssetError> {
    match pointer {
        None => finish(asset, text),
        Some(pointer) => finish(asset, &at_pointer(asset, text, pointer)?),
    }
}

/// Takes off what editors and shells add around a secret.
pub(crate) fn finish(asset: &impl fmt::Display, text: &str) -> Result<Secret, AssetError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() {
        return Err(AssetError::Empty {
            asset: asset.to_string(),
        });
    }
    Ok(Secret::new(text))
}

fn at_pointer(asset: &impl fmt::Display, text: &str, pointer: &str) -> Result<Zeroizing<String>, AssetError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    // serde_json's own message may quote the text: only the place is kept.
    let mut json: Value = serde_json::from_str(text).map_err(|error| AssetError::NotJson {
        asset: asset.to_string(),
        line: error.line(),
        column: error.column(),
    })?;
    let found = match json.pointer_mut(pointer) {
        Some(Value::String(found)) => Ok(Zeroizing::new(take(found))),
        Some(_) => Err(AssetError::NotAString {
            asset: asset.to_string(),
        }),
        None => Err(AssetError::NothingAtPointer {
            asset: asset.to_string(),
        }),
    };
    wipe(&mut json);
    found
}

/// Wipes the other texts too: they may be secrets of somebody else.
pub(crate) fn wipe(json: &mut Value) {
    match json {
        Value::String(text) => text.zeroize(),
        Value::Array(items) => items.iter_mut().for_each(wipe),
        Value::Object(fields) => fields.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
