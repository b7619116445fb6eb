//! An embedded AWS on loopback that verifies what it receives.
//!
//! [`Sandbox::start`] opens S3, STS, the instance metadata service and verifying stand-ins for EC2, `WorkSpaces`,
//! Bedrock runtime and `DynamoDB`, each on a port of its own. It is for trying and testing: the judge of what a
//! signing proxy sends, so it shares no code with one. It makes every signature again with the `aws-sigv4` crate from
//! the bytes that arrived (S3's are checked by s3s as well) and rejects as AWS does: in the protocol's own shape, with
//! its code.
//!
//! What must hold for a request to be accepted:
//! - its access key exists ([`principals`]), and a temporary one comes with its exact, unexpired session token;
//! - its credential scope names one of the sandbox's regions, the service's signing name and the request's day;
//! - its time is within 5 minutes (S3: 15), or, presigned, within its expiry;
//! - `host` and every `x-amz-*` header are signed;
//! - its body has the hash that `x-amz-content-sha256` says, and a chunked one is whole; of an event stream each message
//!   is in a signed envelope, and the last envelope is empty;
//! - its signature is the recomputed one;
//! - its sender may do it: [`principals::ROBOT`] and [`principals::ACME_PROXY`] may only use STS, [`principals::CLERK`]
//!   and sessions of [`principals::BYSTANDER`] may do nothing.
//!
//! Every request yields a [`VerifiedRequest`] (one that streams in both directions at its end), which holds neither signature nor secret.
//!
//! ```
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! use sandbox::{Sandbox, SandboxSettings};
//!
//! let sandbox = Sandbox::start(SandboxSettings::default()).await?;
//! let mut events = sandbox.events();
//! println!("S3 at http://{}", sandbox.s3());
//! assert!(events.try_next().is_none());
//! sandbox.stop().await;
//! # Ok::<(), sandbox::SandboxError>(()) }).unwrap();
//! ```

mod api;
mod bedrock;
mod bidirectional;
mod cbor;
mod claim;
mod clock;
mod dynamodb;
mod ec2;
mod error;
mod event;
mod eventstream;
mod fault;
mod form;
mod imds;
mod json;
mod keys;
pub mod principals;
mod random;
mod response;
mod s3;
mod sandbox;
mod server;
mod service_error;
mod settings;
mod stream_gate;
mod sts;
mod timestamp;
mod tls;
mod verify;
mod workspaces;
mod xml;

pub use clock::ManualClock;
pub use error::SandboxError;
pub use event::{Events, KeyKind, Outcome, Reason, VerifiedRequest};
pub use fault::Fault;
pub use sandbox::Sandbox;
pub use settings::{Ports, SandboxSettings};
pub use stream_gate::StreamGate;
