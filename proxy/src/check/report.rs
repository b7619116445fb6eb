//! What a check finds: steps, and for each that fails, whose fault it is and what mends it.

use std::time::Duration;

use auth_model::{ConnectionName, Region, ServiceId};
use policy_gen::Policy;

/// What was found of the connections that were checked.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// One for each connection, in the order in which they were checked.
    pub connections: Vec<ConnectionReport>,
}

impl Report {
    /// The worst of its connections.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let verdicts = self.connections.iter().map(ConnectionReport::verdict);
        verdicts.max().unwrap_or(Verdict::Works)
    }
}

/// What was found of one connection.
#[derive(Clone, Debug)]
pub struct ConnectionReport {
    /// Its name.
    pub connection: ConnectionName,
    /// Its service.
    pub service: ServiceId,
    /// Its region.
    pub region: Region,
    /// Its auth method's name.
    pub auth: &'static str,
    /// What was done, in order.
    pub steps: Vec<Step>,
}

impl ConnectionReport {
    /// The worst of its steps.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let verdicts = self.steps.iter().map(|step| step.outcome.verdict());
        verdicts.max().unwrap_or(Verdict::Works)
    }

    /// Who is named as the cause of what went wrong: of each step that failed or warns the likeliest, in order.
    #[must_use]
    pub fn responsible_parties(&self) -> Vec<ResponsibleParty> {
        let findings = self.steps.iter().filter_map(|step| step.outcome.finding());
        findings
            .filter_map(|finding| Some(finding.causes.first()?.party))
            .collect()
    }
}

/// How a connection, or all of them, came off.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Verdict {
    /// Every step went well.
    Works,
    /// It works, and something should be mended.
    Warns,
    /// A step failed.
    Fails,
}

impl Verdict {
    /// Its stable name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Works => "works",
            Self::Warns => "warns",
            Self::Fails => "fails",
        }
    }
}

/// One thing that was tried.
#[derive(Clone, Debug)]
pub struct Step {
    /// What kind of thing.
    pub kind: StepKind,
    /// What it was tried on: an asset's reference, a role, a host.
    pub subject: String,
    /// How it went.
    pub outcome: Outcome,
    /// How long it took; zero where it was not done anew.
    pub took: Duration,
    /// The connection for which it was done, where this one has the same keys or the same session.
    pub shared_with: Option<ConnectionName>,
}

/// What is tried, in the order in which it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum StepKind {
    /// The connection can be set up at all.
    Configuration,
    /// A credential asset can be read.
    Asset,
    /// This is the EC2 instance that the connection is for.
    Instance,
    /// STS knows the keys.
    Keys,
    /// A role's name has an ARN.
    Role,
    /// A role can be assumed.
    AssumeRole,
    /// The role's trust policy enforces the External ID.
    ExternalId,
    /// This machine's clock and AWS's agree.
    Clock,
    /// A host's name has addresses.
    Dns,
    /// One of them takes connections.
    Tcp,
    /// It has a certificate that is trusted.
    Tls,
    /// The service takes a signed request.
    Request,
}

impl StepKind {
    /// Its stable name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::Asset => "asset",
            Self::Instance => "instance",
            Self::Keys => "keys",
            Self::Role => "role",
            Self::AssumeRole => "assume-role",
            Self::ExternalId => "external-id",
            Self::Clock => "clock",
            Self::Dns => "dns",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Request => "request",
        }
    }
}

/// How a step went.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// Well.
    Passed {
        /// What was found.
        found: String,
    },
    /// It was not done.
    Skipped {
        /// Why not.
        why: String,
    },
    /// Well enough to go on, and something should be mended.
    Warned(Finding),
    /// It failed.
    Failed(Finding),
}

impl Outcome {
    /// A step that went well.
    pub(super) fn passed(found: impl Into<String>) -> Self {
        Self::Passed { found: found.into() }
    }

    /// A step that was not done.
    pub(super) fn skipped(why: impl Into<String>) -> Self {
        Self::Skipped { why: why.into() }
    }

    /// What it means for the connection.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        match self {
            Self::Passed { .. } | Self::Skipped { .. } => Verdict::Works,
            Self::Warned(_) => Verdict::Warns,
            Self::Failed(_) => Verdict::Fails,
        }
    }

    /// What is wrong.
    #[must_use]
    pub fn finding(&self) -> Option<&Finding> {
        match self {
            Self::Warned(finding) | Self::Failed(finding) => Some(finding),
            Self::Passed { .. } | Self::Skipped { .. } => None,
        }
    }
}

/// What is wrong, and what it may come from.
#[derive(Clone, Debug)]
pub struct Finding {
    /// What was seen, with AWS's own words where there are any. Holds no secret.
    pub what: String,
    /// What it may come from, the likeliest first; at least one.
    pub causes: Vec<Cause>,
}

impl Finding {
    /// A finding with one cause.
    pub(super) fn of(what: impl Into<String>, cause: Cause) -> Self {
        Self {
            what: what.into(),
            causes: vec![cause],
        }
    }
}

/// What may be wrong, and who has to change something.
#[derive(Clone, Debug)]
pub struct Cause {
    /// Who has to change something.
    pub party: ResponsibleParty,
    /// What is wrong there, and what fixes it.
    pub text: String,
    /// The policy that fixes it.
    pub amendment: Option<Amendment>,
}

impl Cause {
    /// A cause that no policy fixes.
    pub(super) fn new(party: ResponsibleParty, text: impl Into<String>) -> Self {
        Self {
            party,
            text: text.into(),
            amendment: None,
        }
    }

    /// The same with the policy that fixes it.
    pub(super) fn fixed_by(mut self, kind: PolicyKind, of: impl Into<String>, policy: Policy) -> Self {
        self.amendment = Some(Amendment {
            kind,
            of: of.into(),
            policy,
        });
        self
    }
}

/// A policy that is missing somewhere.
#[derive(Clone, Debug)]
pub struct Amendment {
    /// Which policy of the principal it is.
    pub kind: PolicyKind,
    /// The principal: a user's or a role's ARN.
    pub of: String,
    /// What it has to say.
    pub policy: Policy,
}

/// Which of a principal's policies.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PolicyKind {
    /// What a user or role may do.
    Permissions,
    /// Who may assume a role.
    Trust,
}

impl PolicyKind {
    /// Its stable name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Permissions => "permissions",
            Self::Trust => "trust",
        }
    }
}

/// Who, or what, may be the cause.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ResponsibleParty {
    /// The configuration of the connection.
    Configuration,
    /// Where a secret is kept.
    Asset,
    /// The vault.
    Vault,
    /// The access key id: unknown, deleted or deactivated.
    AccessKey,
    /// The secret access key: not that of the id.
    SecretAccessKey,
    /// The session token: expired, missing or of another key.
    SessionToken,
    /// The machine: not the EC2 instance that the connection is for, or without credentials.
    Instance,
    /// The permissions of the user or session that assumes a role.
    UserPolicy,
    /// The role: it does not exist under this name.
    Role,
    /// The role's trust policy.
    TrustPolicy,
    /// The External ID of the connection: not the one that the trust policy demands.
    ExternalId,
    /// The role's maximum session duration.
    SessionDuration,
    /// The role's permissions.
    RolePolicy,
    /// The session policy of the connection.
    SessionPolicy,
    /// A policy of the organisation, a permissions boundary or a VPC endpoint's policy.
    Guardrail,
    /// The clock of this machine.
    Clock,
    /// The name has no addresses.
    Dns,
    /// Nobody takes connections there.
    Tcp,
    /// No trusted TLS connection can be made.
    Tls,
    /// The HTTP proxy on the way out.
    EgressProxy,
    /// The endpoint: something else than the service listens there, or responds in its place.
    Endpoint,
    /// The region.
    Region,
    /// The service's name.
    ServiceName,
    /// The signature, although the keys are right.
    Signature,
    /// STS has trouble of its own.
    Sts,
    /// The service has trouble of its own, or is none.
    Service,
}

impl ResponsibleParty {
    /// Its stable name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::Asset => "asset",
            Self::Vault => "vault",
            Self::AccessKey => "access-key",
            Self::SecretAccessKey => "secret-access-key",
            Self::SessionToken => "session-token",
            Self::Instance => "instance",
            Self::UserPolicy => "user-policy",
            Self::Role => "role",
            Self::TrustPolicy => "trust-policy",
            Self::ExternalId => "external-id",
            Self::SessionDuration => "session-duration",
            Self::RolePolicy => "role-policy",
            Self::SessionPolicy => "session-policy",
            Self::Guardrail => "guardrail",
            Self::Clock => "clock",
            Self::Dns => "dns",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::EgressProxy => "egress-proxy",
            Self::Endpoint => "endpoint",
            Self::Region => "region",
            Self::ServiceName => "service-name",
            Self::Signature => "signature",
            Self::Sts => "sts",
            Self::Service => "service",
        }
    }
}
