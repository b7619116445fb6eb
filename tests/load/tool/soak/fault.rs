//! What the service does wrong, and what the client then has to see.

use super::plan::{Operation, Plan};

/// What goes wrong when a request comes for the first time. The second time nothing does.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Fault {
    None,
    /// The connection is reset once the head has come.
    ResetBefore,
    /// The connection is reset once the request was executed.
    ResetAfter,
    /// The connection is closed once the request was executed.
    CloseAfter,
    /// The request was executed, and what comes back is no HTTP.
    Malformed,
    /// 503, once the request has come, and the connection stays.
    Unavailable,
    /// 503 before the body is read, and the connection is closed.
    Early,
    /// The response ends before its end.
    Truncated,
    /// The response begins late.
    Slow,
    /// The response comes in small pieces.
    Trickle,
    /// The service closes the connection behind the response, and says so.
    LastOfConnection,
    /// A byte of the response is wrong. It shows that the client would notice.
    Corrupted,
}

impl Fault {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::ResetBefore => "reset before the body",
            Self::ResetAfter => "reset after the effect",
            Self::CloseAfter => "closed after the effect",
            Self::Malformed => "response is no HTTP",
            Self::Unavailable => "503",
            Self::Early => "503 before the body, and closed",
            Self::Truncated => "response cut off",
            Self::Slow => "response late",
            Self::Trickle => "response in small pieces",
            Self::LastOfConnection => "connection ends with the response",
            Self::Corrupted => "response with a wrong byte (planted)",
        }
    }

    /// Those that can befall a request.
    pub(super) fn of(plan: &Plan) -> &'static [Self] {
        use Fault as F;
        if plan.is_streamed() {
            // A reset before the body is met by `Expect`, or not, as the time has it.
            return &[F::ResetAfter, F::CloseAfter, F::Unavailable, F::Early, F::Slow];
        }
        match plan.operation {
            Operation::Head | Operation::Delete => &[
                F::ResetAfter,
                F::CloseAfter,
                F::Malformed,
                F::Unavailable,
                F::Slow,
                F::LastOfConnection,
            ],
            Operation::Put | Operation::PutOnce => &[
                F::ResetBefore,
                F::ResetAfter,
                F::CloseAfter,
                F::Malformed,
                F::Unavailable,
                F::Early,
                F::Slow,
                F::LastOfConnection,
            ],
            Operation::Get if plan.response.length < 2 => &[F::ResetBefore, F::ResetAfter, F::Unavailable],
            Operation::Get => &[
                F::ResetBefore,
                F::ResetAfter,
                F::CloseAfter,
                F::Malformed,
                F::Unavailable,
                F::Truncated,
                F::Slow,
                F::Trickle,
                F::LastOfConnection,
                F::Corrupted,
            ],
            Operation::GetItem | Operation::PutItem | Operation::Invoke | Operation::InvokeStream => &[
                F::ResetBefore,
                F::ResetAfter,
                F::CloseAfter,
                F::Malformed,
                F::Unavailable,
                F::Early,
                F::Truncated,
                F::Slow,
                F::Trickle,
                F::LastOfConnection,
                F::Corrupted,
            ],
        }
    }
}

/// What the client has to see.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Expected {
    /// The response of an undisturbed service, byte for byte.
    Success,
    /// The service's 503, byte for byte.
    Unavailable,
    /// The proxy's 502: the request may have taken effect, and must not be sent again.
    Failed,
    /// A response that does not come to its end.
    Broken,
    /// A response whose hash is wrong.
    Corrupted,
}
