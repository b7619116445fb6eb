//! Tables of needs: per operation which actions it asks for, and which parameters name their resources.
//!
//! Lines of `*.tsv`, made by `generator/`, with tabs between the columns:
//!
//! - `need OPERATION ACTION TYPE PATHS OTHERWISE CONDITION`: the action on every resource that a path names. A path is
//!   a parameter's name without the numbers of lists. `~PATH` names the resource by something that only AWS can look up,
//!   `^PATH` takes ids of several types, told apart by their prefix; `PATH?OTHER` counts only where `OTHER` is there too.
//!   Type `*`: the action knows no resources; with paths,
//!   it is asked for where one of them is there. Otherwise, where no path names any: `any` one of that type, which the
//!   call creates or, in a list of all, looks at; `unnamed`: unresolved; `-`: nothing.
//! - `resource TYPE ARN KIND`: a type's ARN; its last part is an `id`, a `name` or comes as a whole `arn`.
//! - `prefix PREFIX TYPE`: what ids of that prefix are.

mod arn;

use std::collections::BTreeMap;

use super::form::Form;
use super::value::Value;
use super::{Condition, MappingError, Need, Request, Resource, Unresolved};
use crate::escape::literal;
use arn::{Kind, Naming, filled, is_plain, whole};

pub(super) use arn::is_id;

/// The most needs of one request.
const MAX_NEEDS: usize = 4096;

/// Where the parameters of a request are.
#[derive(Clone, Copy, Debug)]
pub(super) enum Parameters<'a> {
    /// In a form.
    Form(&'a Form),
    /// In a JSON or CBOR body.
    Body(&'a Value),
}

impl<'a> Parameters<'a> {
    /// The strings at a path.
    pub(super) fn texts(self, path: &str) -> Result<Vec<&'a str>, MappingError> {
        match self {
            Self::Form(form) => form.texts(path),
            Self::Body(body) => body.texts(path),
        }
    }

    /// Whether anything is at the path or below it.
    pub(super) fn has(self, path: &str) -> Result<bool, MappingError> {
        match self {
            Self::Form(form) => Ok(form.has(path)),
            Self::Body(body) => body.has(path),
        }
    }
}

/// A table, read.
#[derive(Debug)]
pub(super) struct Rows {
    operations: BTreeMap<&'static str, Vec<Row>>,
    resources: BTreeMap<&'static str, Kind>,
    prefixes: BTreeMap<&'static str, &'static str>,
}

/// One kind of need of an operation.
#[derive(Debug)]
pub(super) struct Row {
    action: &'static str,
    /// A key of `resources`; `*`: none.
    resource: &'static str,
    paths: Vec<Path>,
    otherwise: Otherwise,
    condition: Option<(&'static str, &'static str)>,
}

#[derive(Clone, Copy, Debug)]
enum Path {
    Direct(&'static str),
    Indirect(&'static str),
    ByPrefix(&'static str),
    Where { path: &'static str, other: &'static str },
}

/// What is needed where no path names a resource.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Otherwise {
    Nothing,
    AnyOfType,
    Unnamed,
}

impl Rows {
    /// Reads a table. Lines of other kinds are for others to read.
    pub(super) fn read(text: &'static str) -> Self {
        let mut rows = Self {
            operations: BTreeMap::new(),
            resources: BTreeMap::new(),
            prefixes: BTreeMap::new(),
        };
        for line in text.lines() {
            let columns: Vec<&'static str> = line.split('\t').collect();
            match columns.as_slice() {
                ["need", operation, columns @ ..] => {
                    let row = Row::read(columns);
                    rows.operations.entry(operation).or_default().extend(row);
                }
                ["resource", name, arn, naming] => {
                    let naming = match *naming {
                        "id" => Naming::Id,
                        "name" => Naming::Name,
                        _ => Naming::Arn,
                    };
                    rows.resources.insert(name, Kind { arn, naming });
                }
                ["prefix", prefix, kind] => {
                    rows.prefixes.insert(prefix, kind);
                }
                _ => {}
            }
        }
        rows
    }

    /// The operation of that name, spelled just so, and its rows.
    pub(super) fn operation(&self, name: &str) -> Option<(&'static str, &[Row])> {
        let (name, rows) = self.operations.get_key_value(name)?;
        Some((name, rows))
    }

    /// Whether any row reads a parameter.
    pub(super) fn reads_parameters(rows: &[Row]) -> bool {
        rows.iter().any(|row| !row.paths.is_empty())
    }

    /// The names of all operations.
    #[cfg(test)]
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.operations.keys().copied()
    }

    /// The first members of the paths of these rows.
    #[cfg(test)]
    pub(super) fn first_members(rows: &[Row]) -> Vec<&'static str> {
        let texts = rows.iter().flat_map(|row| &row.paths).flat_map(|path| match path {
            Path::Direct(path) | Path::Indirect(path) | Path::ByPrefix(path) => vec![*path],
            Path::Where { path, other } => vec![*path, *other],
        });
        texts.map(|path| path.split('.').next().unwrap_or(path)).collect()
    }

    /// Every pair of operation and, with its type and what stands in for a missing name, action.
    #[cfg(test)]
    pub(super) fn granted(&self) -> impl Iterator<Item = (&'static str, String)> {
        let line = |row: &Row| {
            let wide = if row.otherwise == Otherwise::AnyOfType {
                " any"
            } else {
                ""
            };
            format!("{} {}{wide}", row.action, row.resource)
        };
        let rows = |(name, rows): (&&'static str, &Vec<Row>)| {
            let name = *name;
            rows.iter().map(line).map(|line| (name, line)).collect::<Vec<_>>()
        };
        self.operations.iter().flat_map(rows).collect::<Vec<_>>().into_iter()
    }

    /// The needs of the rows.
    pub(super) fn needs(
        &self,
        rows: &[Row],
        request: &Request<'_>,
        parameters: Parameters<'_>,
    ) -> Result<Vec<Need>, MappingError> {
        let mut needs = Vec::new();
        for row in rows {
            for resource in self.resources_of(row, request, parameters)? {
                let mut need = Need::new(row.action, resource);
                if let Some((key, value)) = row.condition {
                    need = need.with_condition(Condition {
                        operator: "StringEquals",
                        key,
                        value: value.to_owned(),
                    });
                }
                push(&mut needs, need)?;
            }
        }
        // An operation whose resources are all optional, and none named, asks for its action all the same.
        let first = rows
            .first()
            .filter(|row| needs.iter().all(|need| need.action != row.action));
        needs.extend(first.map(|row| Need::new(row.action, Resource::Unresolved(Unresolved::Unnamed(row.resource)))));
        Ok(needs)
    }

    fn resources_of(
        &self,
        row: &Row,
        request: &Request<'_>,
        parameters: Parameters<'_>,
    ) -> Result<Vec<Resource>, MappingError> {
        let mut found = Vec::new();
        for path in &row.paths {
            match path {
                Path::Direct(path) if row.resource == "*" => {
                    if parameters.has(path)? {
                        return Ok(vec![Resource::Any]);
                    }
                }
                Path::Where { other, .. } if !parameters.has(other)? => {}
                Path::Direct(path) | Path::Where { path, .. } => {
                    for value in parameters.texts(path)? {
                        found.push(self.named(row.resource, request, path, value)?);
                    }
                }
                Path::Indirect(path) => {
                    if parameters.has(path)? {
                        found.push(Resource::Unresolved(Unresolved::Indirect(path)));
                    }
                }
                Path::ByPrefix(path) => {
                    for value in parameters.texts(path)? {
                        match self.kind_of_id(value) {
                            Some(kind) if kind == row.resource => {
                                found.push(self.named(kind, request, path, value)?);
                            }
                            Some(_) => {}
                            None => found.push(Resource::Unresolved(Unresolved::Indirect(path))),
                        }
                    }
                }
            }
        }
        if found.is_empty() {
            match (row.otherwise, row.resource, row.paths.first()) {
                (_, "*", None) => found.push(Resource::Any),
                (Otherwise::AnyOfType, kind, _) => found.push(self.any_of(kind, request)),
                (Otherwise::Unnamed, kind, _) => found.push(Resource::Unresolved(Unresolved::Unnamed(kind))),
                (Otherwise::Nothing, ..) => {}
            }
        }
        Ok(found)
    }

    /// The type of an id such as `i-0123`, by what stands before its last hyphen.
    pub(super) fn kind_of_id(&self, id: &str) -> Option<&'static str> {
        let (prefix, _) = id.rsplit_once('-')?;
        self.prefixes.get(prefix).copied()
    }

    /// Every resource of a type.
    pub(super) fn any_of(&self, kind: &str, request: &Request<'_>) -> Resource {
        match self
            .resources
            .get(kind)
            .map(|kind| filled(kind.arn, request, literal, "*"))
        {
            Some(Ok(arn)) => Resource::Pattern(arn),
            Some(Err(why)) => Resource::Unresolved(why),
            None => Resource::Unresolved(Unresolved::Indirect("its type")),
        }
    }

    /// A whole ARN of a type.
    pub(super) fn whole(&self, kind: &str, arn: &str) -> Option<Resource> {
        whole(self.resources.get(kind)?, arn)
    }

    /// The resource of a type that a parameter's value names.
    pub(super) fn named(
        &self,
        kind: &'static str,
        request: &Request<'_>,
        path: &'static str,
        value: &str,
    ) -> Result<Resource, MappingError> {
        let Some(kind) = self.resources.get(kind) else {
            return Ok(Resource::Unresolved(Unresolved::Indirect(path)));
        };
        let is_good = match kind.naming {
            Naming::Id => is_id(value),
            Naming::Name => (1..=255).contains(&value.len()) && !value.chars().any(char::is_control),
            Naming::Arn => false,
        };
        if value.starts_with("arn:") || !is_good {
            // An image may be `resolve:ssm:…`; an ARN may be of another type. AWS decides; no policy can name it.
            let unresolved = Resource::Unresolved(Unresolved::Indirect(path));
            return match whole(kind, value) {
                Some(resource) => Ok(resource),
                None if is_plain(value) => Ok(unresolved),
                None => Err(MappingError::malformed(
                    path,
                    "it is an id or an ARN, without wildcards and spaces",
                )),
            };
        }
        Ok(match filled(kind.arn, request, str::to_owned, value) {
            Ok(arn) => Resource::Exact(arn),
            Err(why) => Resource::Unresolved(why),
        })
    }
}

impl Row {
    /// The action that is asked for.
    pub(super) fn action(&self) -> &'static str {
        self.action
    }

    fn read(columns: &[&'static str]) -> Option<Self> {
        let [action, resource, paths, otherwise, condition] = columns else {
            return None;
        };
        let path = |text: &'static str| match (text.strip_prefix('~'), text.strip_prefix('^'), text.split_once('?')) {
            (Some(path), ..) => Path::Indirect(path),
            (_, Some(path), _) => Path::ByPrefix(path),
            (.., Some((path, other))) => Path::Where { path, other },
            _ => Path::Direct(text),
        };
        Some(Self {
            action,
            resource,
            paths: paths.split(',').filter(|path| *path != "-").map(path).collect(),
            otherwise: match *otherwise {
                "any" => Otherwise::AnyOfType,
                "unnamed" => Otherwise::Unnamed,
                _ => Otherwise::Nothing,
            },
            condition: condition.split_once('='),
        })
    }
}

/// Adds a need that is not there yet.
pub(super) fn push(needs: &mut Vec<Need>, need: Need) -> Result<(), MappingError> {
    if needs.contains(&need) {
        return Ok(());
    }
    if needs.len() == MAX_NEEDS {
        return Err(MappingError::malformed(
            "the request",
            "it names at most 4096 resources",
        ));
    }
    needs.push(need);
    Ok(())
}
