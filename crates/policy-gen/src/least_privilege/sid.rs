//! Names of statements: service, access and type of resource, such as `S3ReadObject`.

use std::collections::{BTreeMap, BTreeSet};

use crate::document::Statement;

/// What an action does, as far as its name says.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Access {
    Read,
    Write,
}

/// Beginnings of the names of actions that change nothing. What is not among them counts as a change.
const READS: [&str; 9] = [
    "BatchGet",
    "Describe",
    "Get",
    "Head",
    "List",
    "PartiQLSelect",
    "Query",
    "Scan",
    "Select",
];

pub(super) fn access(action: &str) -> Access {
    let name = action.split_once(':').map_or(action, |(_, name)| name);
    if READS.iter().any(|read| name.starts_with(read)) {
        Access::Read
    } else {
        Access::Write
    }
}

/// Gives each statement a name; statements that would have the same are numbered in their order.
pub(super) fn named(mut statements: Vec<Statement>) -> Vec<Statement> {
    statements.sort_by_cached_key(|statement| (base(statement), statement.clone()));
    let mut count: BTreeMap<String, usize> = BTreeMap::new();
    for statement in &statements {
        *count.entry(base(statement)).or_default() += 1;
    }
    let mut given: BTreeMap<String, usize> = BTreeMap::new();
    let name = |statement: Statement| {
        let base = base(&statement);
        let number = given.entry(base.clone()).or_default();
        *number += 1;
        let is_only = count.get(&base) == Some(&1);
        // Of one width, so that names sort as numbers do.
        let width = count.get(&base).map_or(1, |count| count.to_string().len());
        let sid = if is_only {
            base
        } else {
            format!("{base}N{number:0width$}")
        };
        statement.with_sid(sid)
    };
    statements.into_iter().map(name).collect()
}

fn base(statement: &Statement) -> String {
    let services: BTreeSet<String> = statement.actions.iter().map(|action| service(action)).collect();
    let service = only(services, "Several");
    let kinds: BTreeSet<Access> = statement.actions.iter().map(|action| access(action)).collect();
    let access = match (kinds.contains(&Access::Read), kinds.contains(&Access::Write)) {
        (true, true) => "ReadWrite",
        (true, false) => "Read",
        (false, _) => "Write",
    };
    let types: BTreeSet<String> = statement.resources.iter().map(|resource| kind(resource)).collect();
    format!("{service}{access}{}", only(types, "Various"))
}

fn only(mut names: BTreeSet<String>, several: &str) -> String {
    match (names.pop_first(), names.is_empty()) {
        (Some(only), true) => only,
        _ => several.to_owned(),
    }
}

fn service(action: &str) -> String {
    camel(action.split_once(':').map_or(action, |(service, _)| service))
}

/// The type of what an ARN names.
pub(super) fn kind(resource: &str) -> String {
    let mut parts = resource.splitn(6, ':');
    let (service, resource) = (parts.nth(2).unwrap_or_default(), parts.nth(2).unwrap_or_default());
    match service {
        "" => "All".to_owned(),
        "s3" if resource.starts_with("accesspoint/") => {
            let is_object = resource.contains("/object/");
            if is_object { "AccessPointObject" } else { "AccessPoint" }.to_owned()
        }
        "s3" => if resource.contains('/') { "Object" } else { "Bucket" }.to_owned(),
        "dynamodb" if resource.contains("/index/") => "Index".to_owned(),
        _ => camel(resource.split(['/', ':']).next().unwrap_or_default()),
    }
}

/// `foundation-model` becomes `FoundationModel`; whatever no name of a statement may hold is left out.
fn camel(text: &str) -> String {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric());
    let capital = |word: &str| {
        let mut letters = word.chars();
        let first = letters.next().map(|c| c.to_ascii_uppercase());
        first.into_iter().chain(letters).collect::<String>()
    };
    words.map(capital).collect()
}
