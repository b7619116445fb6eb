//! What the service thinks of a request: its signature, its body, and whether it is the one of its number.

use bytes::Bytes;
use percent_encoding::percent_decode_str;

use super::content::sha256;
use super::counts::Counts;
use super::keys::{Keys, may_sign};
use super::plan::{Operation, Plan};
use super::verify::{Claim, Wrong};
use super::wire::Head;
use super::{NUMBER, now};

/// Who sent a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Sender {
    /// The client of the soak.
    Client(u64),
    /// Whoever looks at one request between.
    Probe,
    /// The proxy itself.
    Sts,
}

impl Sender {
    pub(super) fn of(head: &Head) -> Option<Self> {
        match head.field(NUMBER) {
            Some("probe") => Some(Self::Probe),
            Some(number) => number.parse().ok().map(Self::Client),
            None => head
                .field("authorization")
                .is_some_and(|value| value.contains("/sts/aws4_request"))
                .then_some(Self::Sts),
        }
    }
}

/// A request as far as its head says.
pub(super) struct Announced {
    claim: Claim,
    /// The value of `x-amz-content-sha256`.
    payload: Option<String>,
}

impl Announced {
    /// What can be known before the body is there.
    pub(super) fn read(head: &Head, keys: &Keys, plan: Option<&Plan>) -> Result<Self, Wrong> {
        let claim = Claim::read(head, keys, now())?;
        if let Some(plan) = plan {
            let is_its_own = may_sign(plan.connection, &claim.key_id);
            if !is_its_own || claim.service() != plan.connection.signing_name() {
                let scope = format!("{} for {}", claim.key_id, claim.service());
                return Err(Wrong::Signature(format!(
                    "{} is signed by {scope}",
                    plan.connection.name()
                )));
            }
        }
        let payload = head.field("x-amz-content-sha256").map(str::to_owned);
        if let Some(payload) = &payload {
            claim.check_head(head, payload)?;
        }
        claim.check_session(now())?;
        Ok(Self { claim, payload })
    }

    /// The content of the body.
    pub(super) fn open(&self, head: &Head, body: Bytes, is_tls: bool) -> Result<Bytes, Wrong> {
        if let Some(payload) = &self.payload {
            return self.claim.open(payload, body, is_tls);
        }
        self.claim.check_head(head, &hex::encode(sha256(&body)))?;
        Ok(body)
    }

    pub(super) fn key_id(&self) -> &str {
        &self.claim.key_id
    }
}

/// Whether the request is what the client sent.
pub(super) fn is_intact(plan: &Plan, head: &Head, content: &Bytes, expected: &Bytes) -> bool {
    let is_conditional = head.field("if-none-match") == Some("*");
    head.method == plan.operation.method()
        && is_conditional == (plan.operation == Operation::PutOnce)
        && meaning(&head.target) == meaning(&plan.target)
        && sha256(content) == sha256(expected)
}

/// What a target means: S3 takes `+` and `%2B` in a path, and `a=` and `a` in a query, for the same.
fn meaning(target: &str) -> Vec<u8> {
    percent_decode_str(&target.replace("&empty=", "&empty")).collect()
}

/// Counts what is wrong. The status and the error code of the response to it.
pub(super) fn rejected(counts: &Counts, head: &Head, wrong: Wrong) -> (u16, &'static str) {
    let about = |what: &str| format!("{} {}: {what}", head.method, head.target);
    match wrong {
        Wrong::Unsigned => counts.wrong("unsigned", about("")),
        Wrong::Signature(what) => counts.wrong("wrongly_signed", about(&what)),
        Wrong::Body(what) => counts.wrong("body_not_as_signed", about(&what)),
        Wrong::Expired => {
            counts.wrong("expired_session", about(""));
            return (400, "ExpiredToken");
        }
        Wrong::Revoked => {
            counts.add("revoked_session", 1);
            return (400, "ExpiredToken");
        }
    }
    (403, "SignatureDoesNotMatch")
}
