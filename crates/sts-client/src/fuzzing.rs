//! Seams for the fuzz targets; nothing else uses them. Only there with `--cfg fuzzing`, which cargo-fuzz sets.

use crate::CredentialFailure;
use crate::refusal;

/// What an STS answer that the SDK could not read means.
#[must_use]
pub fn failure_of_answer(status: u16, body: &[u8]) -> CredentialFailure {
    refusal::failure_of_answer(status, body, "assuming a role")
}
