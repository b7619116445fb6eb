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
//! ```
//! use auth_model::{Region, ServiceId};
//! use aws_endpoints::HostResource;
//! use http::{HeaderMap, Method};
//! use policy_gen::least_privilege::Options;
//! use policy_gen::mapping::{self, BodyFraming, Request, Server};
//! use policy_gen::record::{Needed, Seen};
//! use policy_gen::{AllowPolicy, Decision, RecordSet, diff, least_privilege};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // GET https://s3.eu-west-1.amazonaws.com/reports/2026/january.csv
//! let (service, region) = (ServiceId::parse("s3")?, Region::parse("eu-west-1")?);
//! let request = Request {
//!     service: &service,
//!     region: &region,
//!     account: None,
//!     host: &HostResource::None,
//!     method: &Method::GET,
//!     path: "/reports/2026/january.csv",
//!     query: None,
//!     headers: &HeaderMap::new(),
//!     server: Server::Aws,
//!     body: BodyFraming::Empty,
//! };
//! let mapping = mapping::map(&request, None)?;
//! assert_eq!(mapping.operation, "GetObject");
//!
//! // Recorded once with success at second 0, it needs one action on one object.
//! let mut record = RecordSet::default();
//! for need in &mapping.required {
//!     record.observe(Needed::of(need), Seen::once(0, Some(200)));
//! }
//! let policy = least_privilege(&record, Options::default()).policy.ok_or("there is something to grant")?;
//! assert!(policy.to_json().contains("arn:aws:s3:::reports/2026/january.csv"));
//!
//! // The policy allows what it was made of, and has nothing else in it.
//! assert_eq!(AllowPolicy::new(&policy)?.decide(&mapping), Decision::Allow);
//! assert!(diff(&policy, &record)?.is_empty());
//! # Ok(())
//! # }
//! ```
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
