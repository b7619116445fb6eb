//! One line of output.

use std::borrow::Cow;

use policy_gen::mapping::{Mapping, Need};
use serde::Serialize;
use serde_json::Value;

use super::input::RequestLine;

/// The IAM request of a request. The order of the fields is the order of the keys.
#[derive(Debug, Serialize)]
pub(super) struct MappedLine<'a> {
    /// As it came.
    id: &'a Value,
    /// The operation's name.
    operation: Option<String>,
    /// Action and resource, in IAM's pattern language.
    pairs: Vec<Pair>,
    /// Whether the request is rejected.
    rejected: bool,
    /// Actions whose resource is not known.
    unresolved: Vec<Cow<'static, str>>,
    /// Pairs that AWS may require besides.
    advisory: Vec<Pair>,
    /// Why it is rejected.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

type Pair = (Cow<'static, str>, String);

impl<'a> MappedLine<'a> {
    /// The output for one document.
    pub(super) fn of(document: &'a Value) -> Self {
        let id = document.get("id").unwrap_or(&Value::Null);
        match RequestLine::read(document).and_then(|request| request.map()) {
            Ok(mapping) => Self::mapped(id, &mapping),
            Err(error) => Self {
                id,
                operation: None,
                pairs: Vec::new(),
                rejected: true,
                unresolved: Vec::new(),
                advisory: Vec::new(),
                error: Some(error),
            },
        }
    }

    fn mapped(id: &'a Value, mapping: &Mapping) -> Self {
        let needs = mapping.required.iter().chain(&mapping.hidden);
        let unresolved = needs.filter(|need| need.resource.to_iam().is_none());
        Self {
            id,
            operation: Some(mapping.operation.to_string()),
            pairs: pairs(&mapping.required),
            rejected: false,
            unresolved: each_once(unresolved.map(|need| need.action.clone())),
            advisory: pairs(&mapping.advisory),
            error: None,
        }
    }
}

fn pairs(needs: &[Need]) -> Vec<Pair> {
    let pair = |need: &Need| Some((need.action.clone(), need.resource.to_iam()?.into_owned()));
    each_once(needs.iter().filter_map(pair))
}

/// In the order of their first appearance.
fn each_once<T: Clone + Ord>(items: impl Iterator<Item = T>) -> Vec<T> {
    let mut seen = std::collections::BTreeSet::new();
    items.filter(|item| seen.insert(item.clone())).collect()
}
