//! Error responses of AWS services: their code, their message, and one classification of them.
//!
//! Services write errors in six forms: XML of S3, of the Query protocol and of EC2; JSON of the AWS JSON and REST JSON
//! protocols; CBOR of Smithy RPC v2. Some write the code into a header field. [`ErrorResponse::read`] reads all of them,
//! and [`ErrorClass`] says what kind of error a code stands for, whichever service sent it.
//!
//! ```
//! use aws_errors::{ErrorClass, ErrorResponse};
//! use http::{HeaderMap, StatusCode};
//!
//! let body = br#"{"__type":"com.amazonaws.dynamodb.v20120810#ThrottlingException","message":"Rate exceeded"}"#;
//! let error = ErrorResponse::read(StatusCode::BAD_REQUEST, &HeaderMap::new(), body);
//! assert_eq!(error.code(), Some("ThrottlingException"));
//! assert_eq!(error.message(), "Rate exceeded");
//! assert_eq!(error.class(), Some(ErrorClass::Throttled));
//! assert!(ErrorClass::Throttled.is_retryable());
//! ```
//!
//! # Contracts
//!
//! Each sentence has a test named like it.
//!
//! - Every known code is read in every form.
//! - A header field precedes the body.
//! - A code is read from the beginning of a body or not at all, never a part of it.
//! - A message is one bounded line without the parts of a signature.
//! - Bytes that are no error response are read as nothing, without a panic.
//! - A success is an error only in the form that S3 gives errors after it has sent the status 200.
//! - Every known code has one class and a source.
//! - Codes and messages are those that the AWS SDK reads.
//!
//! Invariant: no sockets, no clock, no credentials.

mod body;
mod cbor;
mod class;
mod code;
mod codes;
mod gzip;
mod header;
mod json;
mod response;
#[cfg(test)]
mod sdk_tests;
mod xml;

pub use class::ErrorClass;
pub use codes::known_codes;
pub use gzip::decoded;
pub use header::code_in_headers;
pub use response::{ErrorResponse, MAX_BODY, one_line};
