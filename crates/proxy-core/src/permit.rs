//! What a connection's clients may do with it, and what they were seen to do.
//!
//! A request is mapped to IAM's actions and resources by the bytes that are signed. `allow` decides on them before
//! anything is signed or sent, `record` keeps them. What cannot be mapped is not allowed: a request that two readers
//! could read in two ways must not pass by the kinder reading.

mod account;
mod book;
mod records;
pub(crate) mod vending;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use auth_model::ConnectionName;
use http::StatusCode;
use policy_gen::Decision;
use policy_gen::mapping::{self, BodyNeed, Mapping, MappingError, Need, Resource, Unresolved};
use policy_gen::record::Needed;
use proxy_config::{AllowMode, AllowRule, Permissions};

use crate::error::{ErrorCode, ProxyError};
use crate::metrics::{PermissionTally, Verdict};
use book::Book;

pub use account::Account;
pub use book::BookError;
pub(crate) use records::Records;

/// As many actions as a log line names.
const NAMED: usize = 8;

/// The rule and the record of one connection.
#[derive(Debug)]
pub struct Permit {
    connection: ConnectionName,
    allow: Option<Arc<AllowRule>>,
    book: Option<Arc<Book>>,
    is_held_by_aws: bool,
    account: Arc<Account>,
    tally: PermissionTally,
}

/// A request that may pass, with what it asks for.
#[derive(Debug)]
pub struct Permitted {
    /// The operation's name.
    pub(crate) operation: Cow<'static, str>,
    /// The actions, for the log.
    pub(crate) actions: String,
    needs: Vec<Needed>,
    book: Option<Arc<Book>>,
}

impl Permit {
    /// The permit of a connection; `None` where nothing is checked or kept.
    ///
    /// # Errors
    ///
    /// [`BookError`] where the record's file is there and none of ours.
    pub(crate) fn of(
        connection: &ConnectionName,
        permissions: &Permissions,
        records: &Records,
        account: &Arc<Account>,
        tally: impl FnOnce() -> PermissionTally,
    ) -> Result<Option<Self>, BookError> {
        let book = permissions
            .record
            .as_deref()
            .map(|path| records.open(path))
            .transpose()?;
        if permissions.allow.is_none() && book.is_none() {
            return Ok(None);
        }
        Ok(Some(Self {
            connection: connection.clone(),
            allow: permissions.allow.clone(),
            book,
            is_held_by_aws: permissions.is_held_by_aws,
            account: Arc::clone(account),
            tally: tally(),
        }))
    }

    /// Decides on a request. `body` is the whole of it where [`mapping::needs_body`] wants it. The account is looked up where it
    /// is not configured and counts.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::ActionDenied`] and [`ErrorCode::ActionUnknown`], where the rule is enforced.
    pub(crate) async fn check(
        &self,
        request: mapping::Request<'_>,
        body: Option<&[u8]>,
    ) -> Result<Option<Permitted>, ProxyError> {
        let mapping = match self.map(request, body).await {
            Ok(mapping) if self.is_held_by_aws => Mapping {
                hidden: Vec::new(),
                ..mapping
            },
            Ok(mapping) => mapping,
            Err(error) => return self.unmapped(&error).map(|()| None),
        };
        let decision = self
            .allow
            .as_ref()
            .map(|rule| (rule.mode, rule.policy.decide(&mapping)));
        match decision {
            Some((mode, Decision::Deny { need, why })) => {
                self.tally.count(&mapping, Verdict::denied(mode));
                let lacking = format!("{} on {}: {why}", need.action, shown(&need.resource));
                let error = ProxyError::new(ErrorCode::ActionDenied)
                    .with_hint(format!("The connection's policy must allow {lacking}."))
                    // For the log.
                    .with_cause(lacking);
                self.refuse(mode, error)?;
            }
            Some((_, Decision::Allow)) | None => self.tally.count(&mapping, Verdict::Allowed),
        }
        Ok(Some(Permitted {
            actions: actions(&mapping),
            needs: match self.book {
                Some(_) => mapping.required.iter().chain(&mapping.hidden).map(Needed::of).collect(),
                None => Vec::new(),
            },
            operation: mapping.operation,
            book: self.book.clone(),
        }))
    }

    /// What a request asks for is in a body of more than `limit` bytes. A limit of 0 is that of an operation without a
    /// body.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::ActionUnknown`], where the rule is enforced.
    pub(crate) fn body_too_large(&self, limit: usize) -> Result<(), ProxyError> {
        self.unmapped(&match limit {
            0 => MappingError::BodyUnexpected,
            limit => MappingError::BodyTooLarge { limit },
        })
    }

    async fn map(&self, mut request: mapping::Request<'_>, body: Option<&[u8]>) -> Result<Mapping, MappingError> {
        let known = self.account.known();
        request.account = known.as_ref();
        let mapping = mapping::map(&request, body)?;
        let lacks_account = |need: &Need| need.resource == Resource::Unresolved(Unresolved::Account);
        if known.is_some() || !mapping.required.iter().any(lacks_account) {
            return Ok(mapping);
        }
        match self.account.look_up().await {
            Some(account) => {
                request.account = Some(&account);
                mapping::map(&request, body)
            }
            None => Ok(mapping),
        }
    }

    /// Nothing is known of what the request asks for.
    fn unmapped(&self, error: &MappingError) -> Result<(), ProxyError> {
        let mode = self.allow.as_ref().map(|rule| rule.mode);
        self.tally
            .count_unmapped(mode.map_or(Verdict::Allowed, Verdict::denied));
        let error = ProxyError::new(ErrorCode::ActionUnknown)
            .with_hint(format!("{error}."))
            .with_cause(error.to_string());
        if let Some(mode) = mode {
            return self.refuse(mode, error);
        }
        // A record that misses something makes too narrow a policy: that must be seen.
        tracing::warn!(connection = %self.connection, hint = error.hint(), "a request is not recorded");
        Ok(())
    }

    fn refuse(&self, mode: AllowMode, error: ProxyError) -> Result<(), ProxyError> {
        match mode {
            AllowMode::Enforce => Err(error),
            AllowMode::Log => {
                tracing::warn!(
                    connection = %self.connection,
                    error = error.code().name(),
                    hint = error.hint(),
                    "a request passes that allow_mode = \"enforce\" would refuse"
                );
                Ok(())
            }
        }
    }
}

impl Permitted {
    /// Records what was needed, with the status of the service's response; `None` where there was none.
    pub(crate) fn responded(self, status: Option<StatusCode>, now: SystemTime) {
        let Some(book) = self.book else { return };
        let at = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        book.note(self.needs, at, status.map(|status| status.as_u16()));
    }
}

/// The resource as a policy names it.
fn shown(resource: &Resource) -> String {
    match resource {
        Resource::Unresolved(why) => format!("a resource that is not known ({why})"),
        known => known.to_iam().unwrap_or_default().into_owned(),
    }
}

/// The actions, each once, with commas between.
fn actions(mapping: &Mapping) -> String {
    let mut named: Vec<&str> = Vec::new();
    for need in &mapping.required {
        if named.len() < NAMED && !named.contains(&&*need.action) {
            named.push(&need.action);
        }
    }
    named.join(",")
}

/// Whether the body must be here before the request can be decided on.
pub(crate) fn needs_body(request: &mapping::Request<'_>) -> Option<usize> {
    match mapping::needs_body(request) {
        BodyNeed::No => None,
        BodyNeed::UpTo(limit) => Some(limit),
        BodyNeed::Empty => Some(0),
    }
}
