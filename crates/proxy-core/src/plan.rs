//! What is done with a request's body, and whether the decision on the request needs it.
//!
//! Both follow from the head alone. A body is read before the decision only where the head leaves something open: else a client that
//! waits for `100 Continue` learns of a denial without sending anything.

mod bidirectional;
mod framed;
mod multipart;
mod stream;

use policy_gen::mapping::BodyFraming;
use policy_gen::vending::{MAX_FORM, Vends};

use crate::error::{ErrorCode, ProxyError};
use crate::normalize::Normalized;
use crate::permit::{self, Permit, vending};

pub use bidirectional::Bidirectional;
pub(crate) use framed::BodySigner;
pub use framed::{FramedBody, StreamedBody, WholeBody};
pub use multipart::UploadRequest;
pub(crate) use multipart::{MAX_PARTS, part_size};
pub(crate) use stream::StreamPlan;

/// How the body of a request goes out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum PayloadPlan {
    /// It is read to its end and hashed, and can then be sent again.
    Whole,
    /// It is passed on as it arrives, and can be sent once.
    Stream(StreamPlan),
    /// It is cut into the parts of a multipart upload, if it has more than one.
    Multipart,
    /// Its messages are signed one by one while the response comes in.
    Bidirectional,
}

/// A request whose body has a plan. Only [`plan`] makes one.
#[derive(Debug)]
pub enum Planned {
    /// The head says all that the decision needs, or no body could say more.
    DecidedByHead(DecidedByHead),
    /// What is requested is in the body, which is read as a whole first.
    DecidedByBody(DecidedByBody),
}

/// A request that is decided before anything of its body is read.
#[derive(Debug)]
pub struct DecidedByHead {
    request: Normalized,
    payload: PayloadPlan,
    basis: Basis,
}

/// A request that is decided when its body is here as a whole.
#[derive(Debug)]
pub struct DecidedByBody {
    request: Normalized,
    basis: Basis,
}

/// What the head says about the decision, and what it leaves to the body.
#[derive(Debug)]
pub(crate) struct Basis {
    /// Whether the request hands out credentials.
    pub(crate) vends: Vends,
    /// The request has no place for a body, and only reading tells whether there is one.
    pub(crate) must_be_empty: bool,
    /// The operation or its resources are in a body of so many bytes at most. `None` where the head has them all, or
    /// clients may do whatever the credentials allow.
    pub(crate) operation_limit: Option<usize>,
}

impl Basis {
    fn of(request: &Normalized, permit: Option<&Permit>) -> Result<Self, ProxyError> {
        let must_be_empty = request.has_no_place_for_body()
            && match request.body() {
                BodyFraming::Empty => false,
                BodyFraming::Length(_) => return Err(ErrorCode::BodyUnexpected.into()),
                // An empty chunked body is no body, and old clients send one: only reading tells.
                BodyFraming::Unknown => true,
            };
        let iam_request = request.iam_request();
        Ok(Self {
            vends: vending::of_head(&iam_request, request.route()),
            must_be_empty,
            operation_limit: permit.and_then(|_| permit::needs_body(&iam_request)),
        })
    }

    fn needs_body(&self) -> bool {
        self.must_be_empty || self.vends == Vends::InBody || self.operation_limit.is_some()
    }

    /// Bytes that the decision reads of a body of this length: one beyond every limit is denied, or passed on, unread.
    pub(crate) fn bytes_to_read(&self, length: u64) -> u64 {
        let form_limit = (self.vends == Vends::InBody).then_some(MAX_FORM);
        let mut limits = [form_limit, self.operation_limit].into_iter().flatten();
        if limits.any(|limit| u64::try_from(limit).is_ok_and(|limit| length <= limit)) {
            length
        } else {
            0
        }
    }
}

impl DecidedByHead {
    /// The request, the plan for its body, and what the decision rests on.
    pub(crate) fn into_parts(self) -> (Normalized, PayloadPlan, Basis) {
        (self.request, self.payload, self.basis)
    }
}

impl DecidedByBody {
    /// The request, and what the decision rests on.
    pub(crate) fn into_parts(self) -> (Normalized, Basis) {
        (self.request, self.basis)
    }
}

/// Plans the body of a request. `operation` is what the head names; `permit` is there where clients may not do whatever the
/// credentials allow, or what they do is recorded.
///
/// # Errors
///
/// [`ErrorCode::BodyUnexpected`] where the request has no place for its body, [`ErrorCode::Http2Required`] where it streams in
/// both directions and came by HTTP/1.
pub fn plan(request: Normalized, operation: Option<&str>, permit: Option<&Permit>) -> Result<Planned, ProxyError> {
    let is_bidirectional = bidirectional::is_requested(&request, operation)?;
    let basis = Basis::of(&request, permit)?;
    let payload = if is_bidirectional {
        // Its body is never here as a whole, so that waiting for it would decide nothing.
        if basis.must_be_empty {
            return Err(ErrorCode::BodyUnexpected.into());
        }
        PayloadPlan::Bidirectional
    } else if basis.needs_body() {
        // Neither streamed nor cut into parts: nothing may leave before all of it was looked at.
        return Ok(Planned::DecidedByBody(DecidedByBody { request, basis }));
    } else if multipart::suits(&request, operation) {
        PayloadPlan::Multipart
    } else {
        stream::choose(&request, operation).map_or(PayloadPlan::Whole, PayloadPlan::Stream)
    };
    Ok(Planned::DecidedByHead(DecidedByHead {
        request,
        payload,
        basis,
    }))
}
