//! S3's operations: how each looks on the wire, and which actions it asks for.
//!
//! `s3.tsv` is made by `generator/s3.py`, from botocore's model and AWS's service reference. It serves the names of
//! operations for logs as well as the mapping.

use std::sync::LazyLock;

use http::{HeaderMap, Method};

use super::query::Query;

const TEXT: &str = include_str!("s3.tsv");

/// The table, split on first use.
pub(crate) static TABLE: LazyLock<Table> = LazyLock::new(|| Table::read(TEXT));

/// What a request's path is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Level {
    /// All buckets.
    Service,
    /// One bucket.
    Bucket,
    /// One object.
    Object,
    /// A function's answer, in S3 Object Lambda.
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
    method: &'static str,
    level: Level,
    sub_resource: &'static str,
    when: When,
}

/// A request as the table sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
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
    rows: Vec<Row>,
    sub_resources: Vec<&'static str>,
    parameters: Vec<&'static str>,
    sibling_actions: Vec<&'static str>,
}

impl Table {
    fn read(text: &'static str) -> Self {
        let mut table = Self {
            rows: Vec::new(),
            sub_resources: Vec::new(),
            parameters: Vec::new(),
            sibling_actions: Vec::new(),
        };
        for line in text.lines() {
            match line.split_once('\t') {
                Some(("operation", row)) => table.rows.extend(Row::read(row)),
                Some(("action", action)) => table.sibling_actions.push(action),
                Some(("parameter", name)) => table.parameters.push(name),
                _ => {}
            }
        }
        table.sub_resources = table.rows.iter().map(|row| row.sub_resource).collect();
        table.sub_resources.retain(|name| !name.is_empty());
        table.sub_resources.sort_unstable();
        table.sub_resources.dedup();
        table
    }

    /// The operation a request asks for.
    pub(crate) fn find(&self, asked: Asked<'_>) -> Option<&Row> {
        let method = asked.method.as_str();
        self.rows.iter().find(|row| {
            row.level == asked.level
                && row.method == method
                && row.sub_resource == asked.query.sub_resource
                && match row.when {
                    When::Always => true,
                    When::Header(name) => asked.headers.contains_key(name),
                    When::Query(name) => asked.query.names(name),
                    When::Express => asked.is_express,
                }
        })
    }

    /// The sub-resource of this name, in the table's own spelling.
    pub(super) fn sub_resource(&self, name: &str) -> Option<&'static str> {
        let place = self.sub_resources.binary_search(&name).ok()?;
        self.sub_resources.get(place).copied()
    }

    /// Whether a query key is known to change nothing.
    pub(super) fn is_parameter(&self, name: &str) -> bool {
        self.parameters.binary_search(&name).is_ok()
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
        self.rows.iter().flat_map(of_row)
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
        let (name, method) = (cells.next()?, cells.next()?);
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
