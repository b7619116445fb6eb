//! The form of a record on disk.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Needed, RecordSet, Recorded, ResponseCounts, Seen};
use crate::pattern::{Pattern, Wildcards};

/// The one version there is.
const VERSION: u32 = 1;

/// Why a text is no record.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// Not JSON, or not of a record's shape.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// Written by another version of the program.
    #[error("a record of version {0}, this program reads version 1")]
    Version(u32),
    /// An entry that no recorder writes.
    #[error("entry {number}: {problem}")]
    Entry {
        /// Its place, from 1.
        number: usize,
        /// What is wrong with it.
        problem: &'static str,
    },
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    dropped: u64,
    entries: Vec<Row>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Row {
    action: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unresolved: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    conditions: Vec<(String, String, String)>,
    count: u64,
    first_seen: u64,
    last_seen: u64,
    responses: ResponseCounts,
}

/// Each class under its usual name; those that never came are left out.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Classes {
    #[serde(rename = "2xx", default, skip_serializing_if = "is_zero")]
    success: u64,
    #[serde(rename = "3xx", default, skip_serializing_if = "is_zero")]
    redirect: u64,
    #[serde(rename = "4xx", default, skip_serializing_if = "is_zero")]
    client_error: u64,
    #[serde(rename = "5xx", default, skip_serializing_if = "is_zero")]
    server_error: u64,
    #[serde(default, skip_serializing_if = "is_zero")]
    none: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl Serialize for ResponseCounts {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self {
            success,
            redirect,
            client_error,
            server_error,
            none,
        } = *self;
        Classes {
            success,
            redirect,
            client_error,
            server_error,
            none,
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for ResponseCounts {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Classes {
            success,
            redirect,
            client_error,
            server_error,
            none,
        } = Classes::deserialize(deserializer)?;
        Ok(Self {
            success,
            redirect,
            client_error,
            server_error,
            none,
        })
    }
}

impl RecordSet {
    /// The set as JSON, an entry a line: the same set gives the same bytes.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut text = format!("{{\"version\":{VERSION},\"dropped\":{},\"entries\":[", self.dropped);
        for (index, (needed, seen)) in self.entries.iter().enumerate() {
            text.push_str(if index == 0 { "\n" } else { ",\n" });
            let row = Row::of(needed, seen);
            text.push_str(&serde_json::to_string(&row).unwrap_or_default());
        }
        text.push_str("\n]}\n");
        text
    }

    /// Reads what [`RecordSet::to_json`] writes, with no bound on the entries. Entries of the same thing are joined.
    ///
    /// # Errors
    ///
    /// [`RecordError`] for whatever a recorder does not write.
    pub fn parse(json: &str) -> Result<Self, RecordError> {
        let version: AnyVersion = serde_json::from_str(json)?;
        if version.version != VERSION {
            return Err(RecordError::Version(version.version));
        }
        let file: File = serde_json::from_str(json)?;
        let mut set = Self::with_limit(usize::MAX);
        set.dropped = file.dropped;
        for (index, row) in file.entries.into_iter().enumerate() {
            let number = index + 1;
            let (needed, seen) = row.check().map_err(|problem| RecordError::Entry { number, problem })?;
            set.observe(needed, seen);
        }
        Ok(set)
    }
}

#[derive(Deserialize)]
struct AnyVersion {
    version: u32,
}

impl Row {
    fn of(needed: &Needed, seen: &Seen) -> Self {
        let (resource, unresolved) = match &needed.on {
            Recorded::Resource(text) => (Some(text.clone()), None),
            Recorded::Unresolved(why) => (None, Some(why.clone())),
        };
        Self {
            action: needed.action.clone(),
            resource,
            unresolved,
            conditions: needed.conditions.clone(),
            count: seen.count,
            first_seen: seen.first,
            last_seen: seen.last,
            responses: seen.responses,
        }
    }

    fn check(self) -> Result<(Needed, Seen), &'static str> {
        let is_word = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        let is_action = self
            .action
            .split_once(':')
            .is_some_and(|(service, name)| is_word(service) && is_word(name));
        if !is_action {
            return Err("action must be service:Name, without wildcards");
        }
        let on = match (self.resource, self.unresolved) {
            (Some(text), None) if is_resource(&text) => Recorded::Resource(text),
            (Some(_), None) => return Err("resource must be * or an ARN in IAM's pattern language"),
            (None, Some(why)) => Recorded::Unresolved(why),
            _ => return Err("either resource or unresolved must be there"),
        };
        let conditions: BTreeSet<_> = self.conditions.into_iter().collect();
        Ok((
            Needed {
                action: self.action,
                on,
                conditions: conditions.into_iter().collect(),
            },
            Seen {
                count: self.count,
                first: self.first_seen,
                last: self.last_seen,
                responses: self.responses,
            },
        ))
    }
}

fn is_resource(text: &str) -> bool {
    let is_arn = text.starts_with("arn:") && text.splitn(6, ':').count() == 6;
    text == "*" || (is_arn && Pattern::parse(text, Wildcards::Any).is_ok())
}
