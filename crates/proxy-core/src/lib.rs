//! The life of a request: from the head that a client sends to the response that it gets, and nothing before or behind.
//!
//! Each step takes a value that only the step before it makes, so that the compiler keeps their order:
//! [`admit`](admit::admit) makes [`Admitted`](admit::Admitted), [`authenticate`](authenticate::authenticate)
//! [`Authenticated`](authenticate::Authenticated), [`Router::route`](route::Router::route) [`Routed`](route::Routed),
//! [`normalize`](normalize::normalize) [`Normalized`](normalize::Normalized), [`plan`](plan::plan) [`Planned`](plan::Planned),
//! the functions of [`authorize`] make [`Authorized`](authorize::Authorized), and of that alone a
//! [`Signed`](sign::Signed) can be made, which is all that [`Upstream::send`](upstream::Upstream::send) takes.
//! [`Pipeline`](pipeline::Pipeline) walks a request through them; its file is the one to read first.
//!
//! What is promised:
//!
//! - Nothing is signed that was not authorized, and nothing is sent that was not signed (`tests/chain.rs`).
//! - An authorized request can be signed again for a retry, and is not decided again.
//! - What cannot be read in one way only is rejected before anything is decided by it.
//!
//! The command line and configuration files are not known here: settings come as the typed values of `proxy-config`.
//!
//! ```
//! use http::Request;
//! use proxy_core::admit::admit;
//!
//! let request = |target: &str| Request::get(target).header("host", "localhost").body(());
//! let (head, ()) = request("/bucket/key")?.into_parts();
//! assert_eq!(admit(head, "signing-proxy")?.target(), "/bucket/key");
//!
//! // Two hosts are one too many.
//! let (mut head, ()) = request("/bucket/key")?.into_parts();
//! head.headers.append("host", "elsewhere".parse()?);
//! let error = admit(head, "signing-proxy").unwrap_err();
//! assert_eq!(error.code().name(), "host-repeated");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod admit;
pub mod authenticate;
pub mod authorize;
pub mod browser;
pub mod error;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
pub mod metrics;
pub mod normalize;
pub mod permit;
pub mod pipeline;
pub mod plan;
mod retry;
pub mod route;
pub mod sign;
pub mod strip;
pub mod upstream;
