//! What a request is, and what has to come of it.

use bytes::Bytes;

use super::content::{Content, Part};
use super::fault::{Expected, Fault};

/// A connection of the proxy's configuration, under this name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Connection {
    /// S3, as it is by default.
    Plain,
    /// S3 by a role whose sessions are short, and ended by the service now and then.
    Role,
    /// S3 with `retry.on_status`.
    Repeat,
    /// S3 with keys that each few seconds are others.
    Rotated,
    /// S3 over TLS, uploads with an unsigned trailer.
    Tls,
    /// S3 with signed chunks.
    Chunks,
    /// S3 with signed chunks and a signed trailer.
    Trailer,
    /// `DynamoDB`, with `allow`.
    Table,
    /// Bedrock runtime.
    Models,
}

impl Connection {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Role => "role",
            Self::Repeat => "repeat",
            Self::Rotated => "rotated",
            Self::Tls => "tls",
            Self::Chunks => "chunks",
            Self::Trailer => "trailer",
            Self::Table => "table",
            Self::Models => "models",
        }
    }

    /// The service in the scope of signatures.
    pub(super) fn signing_name(self) -> &'static str {
        match self {
            Self::Table => "dynamodb",
            Self::Models => "bedrock",
            _ => "s3",
        }
    }
}

/// What a request does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Operation {
    Get,
    Head,
    Put,
    /// With `If-None-Match`.
    PutOnce,
    Delete,
    GetItem,
    PutItem,
    Invoke,
    /// Whose response comes in pieces.
    InvokeStream,
}

impl Operation {
    pub(super) fn method(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Put | Self::PutOnce => "PUT",
            Self::Delete => "DELETE",
            Self::GetItem | Self::PutItem | Self::Invoke | Self::InvokeStream => "POST",
        }
    }

    /// Whether it may take effect twice: the rule of docs/configuration/retry.md.
    pub(super) fn is_safe(self) -> bool {
        matches!(self, Self::Get | Self::Head | Self::Put | Self::Delete | Self::GetItem)
    }
}

/// A request.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) number: u64,
    pub(super) connection: Connection,
    pub(super) operation: Operation,
    /// Path and query as the service gets them.
    pub(super) target: String,
    pub(super) body: Part,
    /// Whether the client sends its body without a length.
    pub(super) is_chunked: bool,
    pub(super) is_http2: bool,
    pub(super) response: Part,
    /// Whether the service sends its response without a length.
    pub(super) is_response_chunked: bool,
    pub(super) fault: Fault,
}

impl Plan {
    /// The body of the request.
    pub(super) fn body(&self, content: &Content) -> Bytes {
        match self.operation {
            Operation::GetItem | Operation::PutItem | Operation::Invoke | Operation::InvokeStream => {
                content.json(self.body)
            }
            _ => content.part(self.body),
        }
    }

    /// The status of success.
    pub(super) fn status(&self) -> u16 {
        if self.operation == Operation::Delete { 204 } else { 200 }
    }

    /// Whether the proxy passes the body on while it comes in, so that it can be sent once: docs/configuration/connections.md, `payload`.
    pub(super) fn is_streamed(&self) -> bool {
        let is_put = matches!(self.operation, Operation::Put | Operation::PutOnce);
        let longest_held = match self.connection {
            Connection::Tls | Connection::Chunks | Connection::Trailer => 64 << 10,
            _ => 8 << 20,
        };
        is_put && !self.is_chunked && self.body.length > longest_held
    }

    /// What has to come of it.
    pub(super) fn expected(&self) -> Expected {
        let can_repeat = self.operation.is_safe() && !self.is_streamed();
        match self.fault {
            Fault::None | Fault::Slow | Fault::Trickle | Fault::LastOfConnection => Expected::Success,
            Fault::ResetBefore | Fault::ResetAfter | Fault::CloseAfter | Fault::Malformed => {
                if can_repeat {
                    Expected::Success
                } else {
                    Expected::Failed
                }
            }
            Fault::Unavailable | Fault::Early => {
                if can_repeat && self.connection == Connection::Repeat {
                    Expected::Success
                } else {
                    Expected::Unavailable
                }
            }
            Fault::Truncated => Expected::Broken,
            Fault::Corrupted => Expected::Corrupted,
        }
    }
}
