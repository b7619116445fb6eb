//! What the sandbox saw and how it judged: one event a request.

use std::fmt;

use tokio::sync::broadcast;

/// Events kept for a reader that is slow; older ones are dropped and counted.
const CAPACITY: usize = 1024;

/// One request, verified and responded to. Holds no signature, secret, token, header, query or body.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct VerifiedRequest {
    /// Endpoint prefix of the service that got it, such as `s3` or `bedrock-runtime`; `imds` for instance metadata.
    pub service: &'static str,
    /// The operation, such as `DescribeInstances`, where the request names it.
    pub operation: Option<String>,
    /// The request's method.
    pub method: http::Method,
    /// The path as it came, without the query.
    pub path: String,
    /// ARN of the user or of the role session that owns the access key, where that key exists.
    pub principal: Option<String>,
    /// The kind of access key the request was signed with, where that key exists.
    pub key: Option<KeyKind>,
    /// Region of the credential scope, where there is one.
    pub region: Option<String>,
    /// The judgement.
    pub outcome: Outcome,
}

impl VerifiedRequest {
    /// Whether the request was accepted.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        self.outcome == Outcome::Accepted
    }
}

/// The kind of an access key, known from its first four letters at AWS.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum KeyKind {
    /// `AKIA…`: a user's own.
    LongTerm,
    /// `ASIA…`: issued by STS or the metadata service, comes with a session token.
    Temporary,
}

/// How a request was judged.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// Its signature is right, its sender may do this, and it was carried out.
    Accepted,
    /// It was rejected.
    Rejected {
        /// The cause, the same for all services.
        reason: Reason,
        /// The error code in the response, in the words of that service's protocol.
        code: String,
        /// The cause in words, more exact than the message in the response where AWS says little.
        why: String,
    },
}

/// Why a request was rejected, apart from how each protocol words it.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Reason {
    /// It is not signed at all.
    MissingAuthentication,
    /// Its authorization cannot be read, or lacks a part.
    MalformedAuthorization,
    /// The access key does not exist.
    UnknownKey,
    /// The session token is missing, wrong, or comes with a key that has none.
    InvalidToken,
    /// The session is over.
    ExpiredToken,
    /// The credential scope names another region.
    WrongRegion,
    /// The credential scope names another service.
    WrongService,
    /// The credential scope names another day than the request, or another terminator.
    WrongScope,
    /// The request's time is too far from now, or a presigned URL has expired.
    RequestExpired,
    /// `host` or an `x-amz-*` header is not among the signed headers.
    UnsignedHeader,
    /// The body is not what `x-amz-content-sha256` says.
    BodyHashMismatch,
    /// The signature differs from the recomputed one.
    SignatureMismatch,
    /// The signature is right, and its sender may not do this.
    AccessDenied,
    /// Not a matter of signatures: a parameter, a missing thing, an unknown operation.
    BadRequest,
    /// The body is larger than the service takes.
    TooLarge,
    /// The fault [`crate::Fault::Throttled`] is set.
    Throttled,
    /// The fault [`crate::Fault::Unavailable`] is set, or the sandbox itself failed.
    Unavailable,
}

/// Sends events to whoever listens.
#[derive(Clone, Debug)]
pub(crate) struct EventSender(broadcast::Sender<VerifiedRequest>);

impl EventSender {
    pub(crate) fn new() -> Self {
        Self(broadcast::Sender::new(CAPACITY))
    }

    /// Tells all readers; nobody listening is fine.
    pub(crate) fn send(&self, event: VerifiedRequest) {
        tracing::debug!(
            service = event.service,
            operation = event.operation.as_deref(),
            method = %event.method,
            path = event.path,
            principal = event.principal.as_deref(),
            outcome = ?event.outcome,
            "sandbox request"
        );
        let _ = self.0.send(event);
    }

    pub(crate) fn subscribe(&self) -> Events {
        Events {
            receiver: self.0.subscribe(),
            missed: 0,
        }
    }
}

/// A reader of events, from [`crate::Sandbox::events`]. It sees what is judged after it was made.
///
/// An event is there before its response reaches the client, so a test that has the response can read it at once.
pub struct Events {
    receiver: broadcast::Receiver<VerifiedRequest>,
    missed: u64,
}

impl Events {
    /// The next event; `None` when the sandbox has stopped and all were read. Cancel-safe.
    pub async fn next(&mut self) -> Option<VerifiedRequest> {
        loop {
            match self.receiver.recv().await {
                Ok(event) => return Some(event),
                Err(broadcast::error::RecvError::Lagged(missed)) => self.missed += missed,
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    }

    /// The next event if one is there already.
    pub fn try_next(&mut self) -> Option<VerifiedRequest> {
        loop {
            match self.receiver.try_recv() {
                Ok(event) => return Some(event),
                Err(broadcast::error::TryRecvError::Lagged(missed)) => self.missed += missed,
                Err(broadcast::error::TryRecvError::Empty | broadcast::error::TryRecvError::Closed) => return None,
            }
        }
    }

    /// Every event that is there already, oldest first.
    pub fn drain(&mut self) -> Vec<VerifiedRequest> {
        std::iter::from_fn(|| self.try_next()).collect()
    }

    /// How many events this reader was too slow for: at most 1024 are kept.
    #[must_use]
    pub fn missed(&self) -> u64 {
        self.missed
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events")
            .field("missed", &self.missed)
            .finish_non_exhaustive()
    }
}
