//! What a request does, in IAM's words.
//!
//! For now: the name of a request's operation, for logs and metrics ([`operation`]). It is read
//! from the same wire form that is signed. S3's and Bedrock's names come from fixed tables; the
//! other protocols carry the name in the request, so there a client can make one up.
//!
//! Invariant: no credentials, no sockets, no clock, none of the proxy's types.

pub mod operation;

pub use operation::{RequestHead, operation};
