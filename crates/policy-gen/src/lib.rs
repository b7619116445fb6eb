//! What a request does, in IAM's words, and the IAM documents that a connection needs.
//!
//! - [`operation()`]: the name of a request's operation, for logs and metrics. It is read from the
//!   same wire form that is signed. S3's and Bedrock's names come from fixed tables; the other
//!   protocols carry the name in the request, so there a client can make one up.
//! - [`mapping`]: the actions and resources that AWS will ask IAM about.
//! - [`AllowPolicy`]: whether a policy allows what a request asks for.
//! - [`record`]: what connections were seen to need; [`least_privilege()`] makes the least policy of it, and [`diff()`]
//!   compares it with a policy.
//! - [`template`]: the trust policy of a role, the policy of the user that assumes it, and policies for common uses;
//!   [`deploy`] puts them into what Terraform and `CloudFormation` read.
//! - [`vending`]: which requests hand out credentials.
//! - [`document`]: policies as canonical JSON: the same statements give the same bytes.
//!
//! Invariant: no credentials, no sockets, no clock, none of the proxy's types.

pub mod decision;
pub mod deploy;
mod diff;
pub mod document;
mod escape;
pub mod least_privilege;
pub mod mapping;
pub mod operation;
mod pattern;
mod principal;
pub mod record;
pub mod template;
pub mod vending;

pub use decision::{AllowPolicy, Decision, Denial};
pub use diff::{Difference, diff};
pub use document::{Effect, Policy, PolicyError, PolicyKind, Statement, StatementProblem, TooLarge};
pub use escape::literal;
pub use least_privilege::{Generalisation, LeastPrivilege, Report, least_privilege};
pub use operation::{RequestHead, operation};
pub use pattern::InvalidPattern;
pub use principal::{AccountRoot, InvalidPrincipal, InvalidUserArn, Principal, UserArn};
pub use record::RecordSet;
