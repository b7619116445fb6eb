//! What requests needed of IAM, and what the connections' policies decided.

use auth_model::ConnectionName;
use policy_gen::mapping::Mapping;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;
use proxy_config::AllowMode;

use super::owned::{OwnedFamily, Removals};

/// What became of a request.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Verdict {
    /// It passed.
    Allowed,
    /// It was denied.
    Denied,
    /// It passed, and would have been denied by `allow_mode = "enforce"`.
    WouldDeny,
}

impl Verdict {
    /// What becomes of a request that is not allowed.
    #[must_use]
    pub fn denied(mode: AllowMode) -> Self {
        match mode {
            AllowMode::Enforce => Self::Denied,
            AllowMode::Log => Self::WouldDeny,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Denied => "denied",
            Self::WouldDeny => "would-deny",
        }
    }
}

/// Operations and actions come from the tables of `policy-gen`: a client cannot make one up.
#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct PermissionLabels {
    connection: String,
    operation: String,
    action: String,
    decision: &'static str,
}

/// Clones share the numbers.
#[derive(Clone, Debug, Default)]
pub(super) struct PermissionFamilies {
    checks: OwnedFamily<ConnectionName, PermissionLabels, Counter>,
}

impl PermissionFamilies {
    pub(super) fn register(&self, registry: &mut Registry, of_connections: &mut Removals<ConnectionName>) {
        let help = "Actions that requests needed, by what the connection's policy decided";
        of_connections.register(registry, ("permission_checks", help, None), &self.checks);
    }

    pub(super) fn of(&self, connection: &ConnectionName) -> PermissionTally {
        PermissionTally {
            families: self.clone(),
            connection: connection.clone(),
        }
    }
}

/// Counts for one connection.
#[derive(Clone, Debug)]
pub struct PermissionTally {
    families: PermissionFamilies,
    connection: ConnectionName,
}

impl PermissionTally {
    /// Counts each action of the request once.
    pub fn count(&self, mapping: &Mapping, verdict: Verdict) {
        let mut counted: Vec<&str> = Vec::new();
        for need in &mapping.required {
            if !counted.contains(&&*need.action) {
                counted.push(&need.action);
                self.add(&mapping.operation, &need.action, verdict);
            }
        }
    }

    /// Counts a request of which it is not known what it needs.
    pub fn count_unmapped(&self, verdict: Verdict) {
        self.add("", "", verdict);
    }

    fn add(&self, operation: &str, action: &str, verdict: Verdict) {
        let labels = PermissionLabels {
            connection: self.connection.to_string(),
            operation: operation.to_owned(),
            action: action.to_owned(),
            decision: verdict.name(),
        };
        let owner = || Some(self.connection.clone());
        self.families.checks.count(owner, &labels, |counter| {
            counter.inc();
        });
    }
}
