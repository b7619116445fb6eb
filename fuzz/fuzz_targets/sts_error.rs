//! Any response of something that is not quite STS: a failure fit for the log, in one bounded line without signatures.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sts_client::fuzzing::failure_of_body;

/// Two texts of 512 characters at most, an ellipsis each, and our own words.
const LONGEST: usize = 1200;

fuzz_target!(|body: &[u8]| {
    for status in [200, 400, 403, 429, 500] {
        let failure = failure_of_body(status, body);
        let text = failure.to_string();
        assert!(text.chars().count() <= LONGEST, "{text}");
        assert!(!text.contains(char::is_control), "{text:?}");
        assert!(!text.contains("Signature="), "{text}");
        assert!(!failure.code().is_empty());
        if status < 400 {
            assert!(text.len() < 100, "{text}");
        }
    }
});
