//! Widening of S3 object grants, on request only: each action by itself, so that a read never widens a write.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use super::Grant;
use super::sid::{Access, access};

/// How far grants on S3 objects are widened. A prefix always ends with `/`; a bucket is widened by name only.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Generalisation {
    /// Not at all.
    #[default]
    None,
    /// To all objects of the bucket.
    Bucket,
    /// To all objects below the first so many folders; keys that have fewer stay exact.
    Prefix {
        /// How many folders, 1 at the least.
        depth: usize,
    },
    /// To all objects of a folder of which more than so many objects were used, the innermost folders first.
    Above {
        /// How many objects stay exact.
        keys: usize,
    },
}

/// The text is no way to widen a policy.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("must be none, bucket, prefix:DEPTH or above:N, with numbers from 1")]
pub struct InvalidGeneralisation;

impl FromStr for Generalisation {
    type Err = InvalidGeneralisation;

    fn from_str(text: &str) -> Result<Self, InvalidGeneralisation> {
        let number = |text: &str| match text.parse() {
            Ok(number) if number > 0 => Ok(number),
            _ => Err(InvalidGeneralisation),
        };
        match text.split_once(':') {
            None if text == "none" => Ok(Self::None),
            None if text == "bucket" => Ok(Self::Bucket),
            Some(("prefix", depth)) => number(depth).map(|depth| Self::Prefix { depth }),
            Some(("above", keys)) => number(keys).map(|keys| Self::Above { keys }),
            _ => Err(InvalidGeneralisation),
        }
    }
}

/// One place where a policy is wider than its record.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Widening {
    /// The action.
    pub action: String,
    /// The resource that is granted, in IAM's pattern language.
    pub to: String,
    /// How many recorded resources it stands for.
    pub from: usize,
}

/// One action's objects in one bucket or access point, under the same conditions.
type Group = (String, Vec<(String, String, String)>, String);

pub(super) fn widen(
    grants: BTreeSet<Grant>,
    reads: Generalisation,
    writes: Generalisation,
) -> (BTreeSet<Grant>, Vec<Widening>) {
    let mut groups: BTreeMap<Group, BTreeSet<String>> = BTreeMap::new();
    let mut widened = BTreeSet::new();
    for grant in grants {
        match object(&grant.resource) {
            Some((place, key)) => {
                let group = (grant.action, grant.conditions, place.to_owned());
                groups.entry(group).or_default().insert(key.to_owned());
            }
            None => drop(widened.insert(grant)),
        }
    }
    let mut report: BTreeMap<(String, String), usize> = BTreeMap::new();
    for ((action, conditions, place), keys) in groups {
        let how = match access(&action) {
            Access::Read => reads,
            Access::Write => writes,
        };
        for (key, from) in how.apply(keys) {
            let resource = format!("{place}{key}");
            if let Some(from) = from {
                *report.entry((action.clone(), resource.clone())).or_default() += from;
            }
            widened.insert(Grant {
                action: action.clone(),
                resource,
                conditions: conditions.clone(),
            });
        }
    }
    let widening = |((action, to), from)| Widening { action, to, from };
    (widened, report.into_iter().map(widening).collect())
}

/// `arn:aws:s3:::bucket/` and the key, where the resource is an object.
fn object(resource: &str) -> Option<(&str, &str)> {
    let start = resource.match_indices(':').nth(4)?.0 + 1;
    let (arn, name) = resource.split_at_checked(start)?;
    if arn.split(':').nth(2) != Some("s3") {
        return None;
    }
    let behind = match name.strip_prefix("accesspoint/") {
        Some(point) => "accesspoint/".len() + point.find("/object/")? + "/object/".len(),
        None => name.find('/')? + 1,
    };
    resource.split_at_checked(start + behind)
}

impl Generalisation {
    /// Keys and how many they stand for, where they are wider than what was recorded.
    fn apply(self, keys: BTreeSet<String>) -> BTreeMap<String, Option<usize>> {
        match self {
            Self::None => exact(keys),
            Self::Bucket => BTreeMap::from([("*".to_owned(), Some(keys.len()))]),
            Self::Prefix { depth } => {
                let mut widened = BTreeMap::new();
                for key in keys {
                    match key
                        .match_indices('/')
                        .nth(depth - 1)
                        .and_then(|(end, _)| key.get(..=end))
                    {
                        Some(prefix) => {
                            let from = widened.entry(format!("{prefix}*")).or_insert(Some(0));
                            *from = from.map(|from| from + 1);
                        }
                        None => drop(widened.insert(key, None)),
                    }
                }
                widened
            }
            Self::Above { keys: most } => above(keys, most),
        }
    }
}

fn exact(keys: BTreeSet<String>) -> BTreeMap<String, Option<usize>> {
    keys.into_iter().map(|key| (key, None)).collect()
}

fn above(mut keys: BTreeSet<String>, most: usize) -> BTreeMap<String, Option<usize>> {
    let mut widened = BTreeMap::new();
    let depth = |key: &String| key.matches('/').count();
    let deepest = keys.iter().map(depth).max().unwrap_or_default();
    for depth in (1..=deepest).rev() {
        let mut folders: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for key in &keys {
            if let Some(folder) = key
                .match_indices('/')
                .nth(depth - 1)
                .and_then(|(end, _)| key.get(..=end))
            {
                folders.entry(folder.to_owned()).or_default().push(key.clone());
            }
        }
        for (folder, inside) in folders.into_iter().filter(|(_, inside)| inside.len() > most) {
            keys.retain(|key| !key.starts_with(&folder));
            widened.insert(format!("{folder}*"), Some(inside.len()));
        }
    }
    widened.extend(exact(keys));
    widened
}
