//! Signatures that others computed: AWS's test suites, the documentation's examples, and our known signatures.

use crate::sign::Rules;

mod classic;
mod crt;
mod known_signatures;
mod request;
mod request_file;
mod s3_documentation;

/// What AWS's suites sign: every header there is.
const EVERY_HEADER: Rules = Rules {
    signs: |_| true,
    sends_payload_hash: false,
    signs_token: true,
};
