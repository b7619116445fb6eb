//! Seams for the fuzz targets; nothing else uses them. Only there with `--cfg fuzzing`, which cargo-fuzz sets.

use crate::CredentialFailure;
use crate::error_response;

/// What an STS response that the SDK could not read means.
#[must_use]
pub fn failure_of_body(status: u16, body: &[u8]) -> CredentialFailure {
    error_response::failure_of_body(status, body, "assuming a role")
}
