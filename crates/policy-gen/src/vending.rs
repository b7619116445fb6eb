//! Which requests hand out credentials: access keys, or tokens and passwords that are taken in place of them.
//!
//! They work past the proxy, so no connection hands them out unless its operator lists the action. The table knows
//! services that have no mapping too. It is made by `generator/vending.py`, which says what is in it and what is not;
//! a test compares each entry with AWS's service reference.
//!
//! Recognising errs on the side of rejection: names are compared in any case, a path in every reading that a server
//! could have of it, and a form that two readers could read in two ways is [`Vends::Unclear`].

mod list;
mod wire;

use std::collections::HashMap;
use std::sync::LazyLock;

use auth_model::SigningName;

use crate::mapping::{BodyFraming, MappingError, Request, read_form};
use wire::{Names, Wire, is_plain_s3, may_be_form, may_be_root};

pub use list::{UnknownAction, VendedActions};

const TEXT: &str = include_str!("vending/vending.tsv");

/// The most bytes of a form. The largest of the services in the table is a policy in a parameter of IAM's.
pub const MAX_FORM: usize = 1 << 20;

static TABLE: LazyLock<Table> = LazyLock::new(|| Table::read(TEXT));

/// One operation that hands out credentials.
#[derive(Debug)]
struct Entry {
    /// Its action in IAM's spelling. Where IAM has none, the service's prefix and the operation's name.
    action: &'static str,
    wire: Wire,
}

#[derive(Debug)]
struct Table {
    entries: Vec<Entry>,
    /// Of a service by its endpoint prefix, and by the name it is signed for: either is enough, since an operator may
    /// write an endpoint under another service's name.
    by_prefix: HashMap<&'static str, Vec<usize>>,
    by_signing_name: HashMap<&'static str, Vec<usize>>,
}

/// What a request hands out, as far as is known.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Vends {
    /// Credentials by these actions; none where it is empty.
    Actions(Vec<&'static str>),
    /// The operation's name may be in the body, which is needed up to [`MAX_FORM`] bytes.
    InBody,
    /// It cannot be told for certain what is requested of a service that hands out credentials by forms.
    Unclear(MappingError),
}

/// What the head says. `signing_name` is the name that the request is signed for.
///
/// ```
/// use auth_model::{Region, ServiceId, SigningName};
/// use aws_endpoints::HostResource;
/// use http::{HeaderMap, Method};
/// use policy_gen::mapping::{BodyFraming, Request, Server};
/// use policy_gen::vending::{self, Vends};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let request = Request {
///     service: &ServiceId::parse("sts")?,
///     region: &Region::parse("eu-west-1")?,
///     account: None,
///     host: &HostResource::None,
///     method: &Method::GET,
///     path: "/",
///     query: Some("Action=GetSessionToken&Version=2011-06-15"),
///     headers: &HeaderMap::new(),
///     server: Server::Aws,
///     body: BodyFraming::Empty,
/// };
/// let found = vending::of_head(&request, &SigningName::parse("sts")?);
/// assert_eq!(found, Vends::Actions(vec!["sts:GetSessionToken"]));
/// # Ok(())
/// # }
/// ```
#[must_use]
pub fn of_head(request: &Request<'_>, signing_name: &SigningName) -> Vends {
    if is_plain_s3(request) {
        return Vends::Actions(Vec::new());
    }
    let entries = TABLE.of(request, signing_name);
    if entries.is_empty() {
        return Vends::Actions(Vec::new());
    }
    let names = Names::of_head(request);
    let found = named(&entries, request, &names);
    if !found.is_empty() {
        return Vends::Actions(found);
    }
    let has_query_form = entries.iter().any(|entry| matches!(entry.wire, Wire::Query(_)));
    let has_target = entries.iter().any(|entry| matches!(entry.wire, Wire::Target(_)));
    let reads_body = (has_query_form && may_be_form(request)) || (has_target && names.may_be_in_body(request));
    match request.body {
        BodyFraming::Length(_) | BodyFraming::Unknown if reads_body => Vends::InBody,
        // What is in the query counts as well: a form that is read in two ways could name two operations.
        BodyFraming::Empty if has_query_form && request.query.is_some_and(|query| !query.is_empty()) => {
            of_form(request, &entries, &[])
        }
        BodyFraming::Empty | BodyFraming::Length(_) | BodyFraming::Unknown => Vends::Actions(Vec::new()),
    }
}

/// What head and body together say, where [`of_head`] says [`Vends::InBody`].
#[must_use]
pub fn of_body(request: &Request<'_>, signing_name: &SigningName, body: &[u8]) -> Vends {
    of_form(request, &TABLE.of(request, signing_name), body)
}

/// Every action by which the service hands out credentials, for one whose request is unclear.
#[must_use]
pub fn of_service(request: &Request<'_>, signing_name: &SigningName) -> Vec<&'static str> {
    let mut actions: Vec<_> = TABLE
        .of(request, signing_name)
        .iter()
        .map(|entry| entry.action)
        .collect();
    actions.dedup();
    actions
}

fn of_form(request: &Request<'_>, entries: &[&Entry], body: &[u8]) -> Vends {
    let names = Names::of_form(request, body);
    let found = named(entries, request, &names);
    if !found.is_empty() {
        return Vends::Actions(found);
    }
    if Names::of_head(request).are_none() {
        let in_body = entries.iter().filter(|entry| entry.wire.is_named_in(body));
        let found: Vec<_> = in_body.map(|entry| entry.action).collect();
        if !found.is_empty() {
            return Vends::Actions(found);
        }
    }
    // Of a service that is called by forms alone nothing else is expected. S3 has none: its own requests to the root are left.
    let is_of_forms = entries.iter().all(|entry| matches!(entry.wire, Wire::Query(_)));
    match read_form(request, body) {
        Err(error) if is_of_forms || names.is_form(request) => Vends::Unclear(error),
        Ok(()) | Err(_) => Vends::Actions(Vec::new()),
    }
}

fn named(entries: &[&Entry], request: &Request<'_>, names: &Names) -> Vec<&'static str> {
    let mut found: Vec<_> = entries
        .iter()
        .filter(|entry| entry.wire.is(request, names))
        .map(|entry| entry.action)
        .collect();
    found.dedup();
    found
}

impl Table {
    fn read(text: &'static str) -> Self {
        let mut table = Self {
            entries: Vec::new(),
            by_prefix: HashMap::new(),
            by_signing_name: HashMap::new(),
        };
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let columns: Vec<&'static str> = line.split('\t').collect();
            let [action, _, prefix, signing_name, form, wire] = columns.as_slice() else {
                continue;
            };
            let Some(wire) = Wire::read(form, wire) else { continue };
            let at = table.entries.len();
            table.entries.push(Entry { action, wire });
            table.by_prefix.entry(prefix).or_default().push(at);
            table.by_signing_name.entry(signing_name).or_default().push(at);
        }
        table
    }

    fn of(&self, request: &Request<'_>, signing_name: &SigningName) -> Vec<&Entry> {
        let prefix = request.service.as_str();
        let mut found: Vec<usize> = Vec::new();
        let mut add = |entries: Option<&Vec<usize>>| found.extend(entries.into_iter().flatten());
        add(self.by_prefix.get(prefix));
        add(self.by_signing_name.get(signing_name.as_str()));
        if matches!(prefix, "s3" | "s3express") && may_be_root(request.path) {
            // Servers that speak S3 may take the forms of STS and IAM at the same address (Ceph, MinIO).
            add(self.by_prefix.get("sts"));
            add(self.by_prefix.get("iam"));
        }
        found.sort_unstable();
        found.dedup();
        found.into_iter().filter_map(|at| self.entries.get(at)).collect()
    }
}

#[cfg(test)]
mod tests;
