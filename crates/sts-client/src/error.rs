//! Why there are no credentials, cut by what the reader can do about it.

use std::time::Duration;

use auth_model::ContradictoryAuth;
use credential_assets::{AssetError, Outlook};

/// There are no credentials now; [`CredentialFailure`] says why.
///
/// `Display` is fit for logs: it has AWS's own error code and message, never a secret and never
/// the raw body of a response.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{failure}")]
pub struct CredentialError {
    failure: CredentialFailure,
    retry_after: Duration,
}

impl CredentialError {
    pub(crate) fn new(failure: CredentialFailure, retry_after: Duration) -> Self {
        Self { failure, retry_after }
    }

    /// What is wrong.
    #[must_use]
    pub fn failure(&self) -> &CredentialFailure {
        &self.failure
    }

    /// A stable name for metrics and error bodies.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.failure.code()
    }

    /// Whether only a change by somebody (a policy, a key, the configuration) can help.
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        self.failure.is_permanent()
    }

    /// How long until the source tries again; sooner there is no point in asking.
    #[must_use]
    pub fn retry_after(&self) -> Duration {
        self.retry_after
    }
}

/// What is wrong with a source of credentials.
///
/// `message` is the first line of AWS's own message, at most 512 characters.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialFailure {
    /// The keys cannot be read from where they are kept.
    #[error(transparent)]
    Asset(#[from] AssetError),
    /// What is kept where the one-time code of an MFA device should be is none.
    #[error("{asset} is not a one-time code: six digits")]
    MfaCode {
        /// The asset's reference.
        asset: String,
    },
    /// STS does not know the keys, their signature is wrong, or their session token has expired.
    #[error("STS rejects the keys: {code}: {message}")]
    KeysRejected {
        /// AWS's error code, such as `InvalidClientTokenId`.
        code: String,
        /// AWS's message.
        message: String,
    },
    /// The keys are good, but may not do this: the user's policy, the role's trust policy or the
    /// External ID does not fit; AWS does not say which.
    #[error("STS denies {action}: {code}: {message}")]
    AccessDenied {
        /// What was requested, such as `assuming arn:aws:iam::123456789012:role/x`.
        action: String,
        /// AWS's error code.
        code: String,
        /// AWS's message.
        message: String,
    },
    /// STS rejects the request as it stands: a malformed session policy, a duration over the
    /// role's maximum, a region that is not enabled.
    #[error("STS rejects the request: {code}: {message}")]
    RequestRejected {
        /// AWS's error code, such as `MalformedPolicyDocument`.
        code: String,
        /// AWS's message.
        message: String,
    },
    /// This machine's clock and AWS's differ too much for signatures to be taken.
    #[error("the clock of this machine is wrong, or that of STS: {message}")]
    ClockSkew {
        /// AWS's message, or ours.
        message: String,
    },
    /// STS limits the rate of requests.
    #[error("STS is throttling: {code}")]
    Throttled {
        /// AWS's error code.
        code: String,
    },
    /// STS has trouble of its own.
    #[error("STS responded with status {status}: {code}")]
    ServerError {
        /// The HTTP status.
        status: u16,
        /// AWS's error code; empty where there is none.
        code: String,
    },
    /// No connection: DNS, TCP, TLS, or an egress proxy.
    #[error("STS cannot be reached: {reason}")]
    Unreachable {
        /// What the network stack says.
        reason: String,
    },
    /// No response in time.
    #[error("there was no response in time")]
    TimedOut,
    /// A response that is none of STS's: a captive portal, a proxy's page, an emulator's bug.
    #[error("the response with status {status} is not one of STS's")]
    UnreadableResponse {
        /// The HTTP status.
        status: u16,
    },
    /// The default chain found nothing: no variables, profile, web identity, container or instance.
    #[error(
        "the default chain found no credentials: no environment variables, profile, web identity, container or EC2 instance provides any"
    )]
    ChainEmpty,
    /// What the default chain found is not usable as it is configured.
    #[error("the default chain is not configured rightly: {reason}")]
    ChainMisconfigured {
        /// What is wrong.
        reason: String,
    },
    /// A provider of the default chain failed.
    #[error("the default chain failed: {reason}")]
    ChainFailed {
        /// What it says.
        reason: String,
    },
    /// The metadata service, which names the instance's role to a connection for EC2 instances, does not respond.
    #[error("the instance metadata service cannot be reached, so this seems to be no EC2 instance: {reason}")]
    InstanceMetadata {
        /// What the network stack says.
        reason: String,
    },
    /// The metadata service takes connections, but its responses get lost in transit.
    #[error(
        "the instance metadata service took a connection and sent no token: its response's hop limit is too low for a container; set the instance's HttpPutResponseHopLimit to 2, or use the host's network"
    )]
    InstanceHopLimit,
    /// The instance has no role, or another one.
    #[error("this instance does not have the role {wanted} attached: it has {attached}")]
    InstanceRole {
        /// The role it should have.
        wanted: String,
        /// What it has.
        attached: String,
    },
    /// The parts of the auth method exclude each other.
    #[error("the auth method contradicts itself: {0}")]
    Contradictory(#[from] ContradictoryAuth),
    /// The settings cannot be used.
    #[error("the STS settings cannot be used: {reason}")]
    Settings {
        /// Which and why.
        reason: &'static str,
    },
    /// The keys are those of another organisation too, which had them first, or at the same time.
    #[error("{own} and {others} give the same access key: each organisation needs an IAM user of its own")]
    IdentityClash {
        /// Whose keys were read, and where they are kept.
        own: String,
        /// The others with the same key.
        others: String,
    },
    /// The credentials were given as they are, without an STS that knows whose they are.
    #[error("there is no STS for fixed credentials: the identity of their caller is unknown")]
    NoSts,
    /// A defect of this program.
    #[error("obtaining credentials failed inside of this program")]
    Internal,
}

/// The code of [`CredentialFailure::IdentityClash`].
pub(crate) const IDENTITY_CLASH: &str = "identity_clash";

/// How soon an attempt follows a failed one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Prospect {
    /// Reading a file costs nothing, and its repair should show at once.
    Local,
    /// It may pass by itself within seconds.
    Passing,
    /// Somebody has to change something.
    Permanent,
}

impl CredentialFailure {
    /// A stable name for metrics and error bodies.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Asset(_) => "credential_asset",
            Self::MfaCode { .. } => "mfa_code",
            Self::KeysRejected { .. } => "keys_rejected",
            Self::AccessDenied { .. } => "access_denied",
            Self::RequestRejected { .. } => "sts_request_rejected",
            Self::ClockSkew { .. } => "clock_skew",
            Self::Throttled { .. } => "sts_throttled",
            Self::ServerError { .. } => "sts_server_error",
            Self::Unreachable { .. } => "sts_unreachable",
            Self::TimedOut => "sts_timeout",
            Self::UnreadableResponse { .. } => "sts_unreadable_response",
            Self::ChainEmpty => "chain_empty",
            Self::ChainMisconfigured { .. } => "chain_misconfigured",
            Self::ChainFailed { .. } => "chain_failed",
            Self::InstanceMetadata { .. } => "instance_metadata",
            Self::InstanceHopLimit => "instance_hop_limit",
            Self::InstanceRole { .. } => "instance_role",
            Self::Contradictory(_) => "auth_contradictory",
            Self::Settings { .. } => "sts_settings",
            Self::IdentityClash { .. } => IDENTITY_CLASH,
            Self::NoSts => "sts_absent",
            Self::Internal => "internal",
        }
    }

    /// Whether only a change by somebody (a policy, a key, the configuration) can help.
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        match self.prospect() {
            Prospect::Local | Prospect::Permanent => true,
            Prospect::Passing => false,
        }
    }

    /// Whether it may be a single fault that nobody has tried again yet: the SDK does so itself where STS has no connection
    /// or responds with a server's error, but not where a response cannot be read, and nobody does for a vault or a store.
    pub(crate) fn is_worth_another_attempt(&self) -> bool {
        match self {
            Self::Asset(_) => self.prospect() == Prospect::Passing,
            // A metadata service that breaks off looks like none.
            Self::UnreadableResponse { .. }
            | Self::ChainEmpty
            | Self::ChainFailed { .. }
            | Self::InstanceMetadata { .. } => true,
            _ => false,
        }
    }

    pub(crate) fn prospect(&self) -> Prospect {
        match self {
            Self::Asset(error) => match error.outlook() {
                Outlook::Local => Prospect::Local,
                Outlook::Passing => Prospect::Passing,
                Outlook::Permanent => Prospect::Permanent,
            },
            Self::MfaCode { .. } | Self::IdentityClash { .. } => Prospect::Local,
            Self::KeysRejected { .. }
            | Self::AccessDenied { .. }
            | Self::RequestRejected { .. }
            | Self::ChainEmpty
            | Self::ChainMisconfigured { .. }
            | Self::InstanceHopLimit
            | Self::InstanceRole { .. }
            | Self::Contradictory(_)
            | Self::Settings { .. }
            | Self::NoSts => Prospect::Permanent,
            Self::ClockSkew { .. }
            | Self::Throttled { .. }
            | Self::ServerError { .. }
            | Self::Unreachable { .. }
            | Self::TimedOut
            | Self::UnreadableResponse { .. }
            | Self::ChainFailed { .. }
            | Self::InstanceMetadata { .. }
            | Self::Internal => Prospect::Passing,
        }
    }
}
