//! S3's operations: how each looks on the wire, and which actions it asks for.
//!
//! `s3.tsv` is made by `generator/s3.py`, from botocore's model and AWS's service reference. It serves the names of
//! operations for logs as well as the mapping.

use std::collections::HashMap;
use std::sync::LazyLock;

use http::{HeaderMap, Method};

use super::query::Query;

const TEXT: &str = include_str!("s3.tsv");

/// The table, split on first use.
pub(crate) static TABLE: LazyLock<Table> = LazyLock::new(|| Table::read(TEXT));

/// What a request's path is about.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Level {
    /// All buckets.
    Service,
    /// One bucket.
    Bucket,
    /// One object.
    Object,
    /// A function's response, in S3 Object Lambda.
    Route,
}

/// What tells two operations apart that have method, level and sub-resource in common.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum When {
    Always,
    Header(&'static str),
    Query(&'static str),
    /// Only where directory buckets are managed.
    Express,
}

/// How an operation reaches directory buckets.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Express {
    /// Through the zone's endpoint, within a session.
    Session,
    /// Through the region's endpoint, by an action of its own.
    Control,
}

/// One operation.
#[derive(Debug)]
pub(crate) struct Row {
    /// Its name, such as `GetObject`.
    pub(crate) name: &'static str,
    /// How it reaches directory buckets.
    pub(crate) express: Express,
    /// The actions it asks for, whatever its headers are.
    pub(crate) actions: Vec<&'static str>,
    /// Those instead where it names a version; empty where a version changes nothing.
    pub(crate) versioned: Vec<&'static str>,
    method: Method,
    level: Level,
    sub_resource: &'static str,
    when: When,
}

/// A request as the table sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestKey<'a> {
    /// The method.
    pub(crate) method: &'a Method,
    /// What the path is about.
    pub(crate) level: Level,
    /// What the query says.
    pub(crate) query: &'a Query<'a>,
    /// The headers.
    pub(crate) headers: &'a HeaderMap,
    /// Whether it goes where directory buckets are managed.
    pub(crate) is_express: bool,
}

/// S3's operations and what belongs to them.
#[derive(Debug)]
pub(crate) struct Table {
    /// By level and sub-resource; the first that fits counts.
    rows: HashMap<(Level, &'static str), Vec<Row>>,
    keys: HashMap<&'static str, Key>,
    sibling_actions: Vec<&'static str>,
}

/// A key of a query.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Key {
    /// It names an operation, together with the method; in the table's own spelling.
    SubResource(&'static str),
    /// It changes nothing that counts here.
    Parameter,
}

impl Table {
    fn read(text: &'static str) -> Self {
        let mut table = Self {
            rows: HashMap::new(),
            keys: HashMap::new(),
            sibling_actions: Vec::new(),
        };
        for line in text.lines() {
            match line.split_once('\t') {
                Some(("operation", row)) => table.add(Row::read(row)),
                Some(("action", action)) => table.sibling_actions.push(action),
                Some(("parameter", name)) => drop(table.keys.insert(name, Key::Parameter)),
                _ => {}
            }
        }
        let names = table.rows.keys().map(|(_, name)| *name);
        let names = names.filter(|name| !name.is_empty());
        table.keys.extend(names.map(|name| (name, Key::SubResource(name))));
        table
    }

    fn add(&mut self, row: Option<Row>) {
        let Some(row) = row else { return };
        self.rows.entry((row.level, row.sub_resource)).or_default().push(row);
    }

    /// The operation a request asks for.
    pub(crate) fn find(&self, key: RequestKey<'_>) -> Option<&Row> {
        let mut rows = self.rows.get(&(key.level, key.query.sub_resource))?.iter();
        rows.find(|row| {
            row.method == *key.method
                && match row.when {
                    When::Always => true,
                    When::Header(name) => key.headers.contains_key(name),
                    When::Query(name) => key.query.names(name),
                    When::Express => key.is_express,
                }
        })
    }

    /// What a key of a query means, where it means something.
    pub(super) fn key(&self, name: &str) -> Option<Key> {
        self.keys.get(name).copied()
    }

    /// The action of a sibling's prefix that has the name of an action of S3: `s3:GetObject`, `s3-outposts`.
    pub(super) fn action_of_sibling(&self, prefix: &str, action: &str) -> Option<&'static str> {
        let name = action.split_once(':')?.1;
        let is_meant = |candidate: &&&'static str| candidate.split_once(':') == Some((prefix, name));
        self.sibling_actions.iter().find(is_meant).copied()
    }

    /// Every operation with each action it may ask for by the table.
    #[cfg(test)]
    pub(in crate::mapping) fn granted(&'static self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let of_row = |row: &'static Row| {
            row.actions
                .iter()
                .chain(&row.versioned)
                .map(|action| (row.name, *action))
        };
        self.rows.values().flatten().flat_map(of_row)
    }
}

impl Row {
    /// The actions of the request.
    pub(crate) fn actions(&self, names_version: bool) -> &[&'static str] {
        if names_version && !self.versioned.is_empty() {
            &self.versioned
        } else {
            &self.actions
        }
    }

    fn read(line: &'static str) -> Option<Self> {
        let mut cells = line.split('\t').map(|cell| if cell == "-" { "" } else { cell });
        let (name, method) = (cells.next()?, cells.next()?.parse().ok()?);
        let level = match cells.next()? {
            "service" => Level::Service,
            "bucket" => Level::Bucket,
            "object" => Level::Object,
            "route" => Level::Route,
            _ => return None,
        };
        let sub_resource = cells.next()?;
        let when = match cells.next()? {
            "" => When::Always,
            "express" => When::Express,
            condition => match condition.split_once(' ')? {
                ("header", name) => When::Header(name),
                ("query", name) => When::Query(name),
                _ => return None,
            },
        };
        let express = match cells.next()? {
            "session" => Express::Session,
            "control" => Express::Control,
            _ => return None,
        };
        let mut actions = || Some(cells.next()?.split_terminator(' ').collect());
        Some(Self {
            name,
            express,
            actions: actions()?,
            versioned: actions()?,
            method,
            level,
            sub_resource,
            when,
        })
    }
}
