//! Any answer of something that is not quite STS: a failure fit for the log, in one bounded line without signatures.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sts_client::fuzzing::failure_of_answer;

/// Two texts of 512 characters at most, an ellipsis each, and our own words.
const LONGEST: usize = 1200;

fuzz_target!(|body: &[u8]| {
    for status in [200, 400, 403, 429, 500] {
        let failure = failure_of_answer(status, body);
        let text = failure.to_string();
        assert!(text.chars().count() <= LONGEST, "{text}");
        assert!(!text.contains(char::is_control), "{text:?}");
        assert!(!text.contains("Signature="), "{text}");
        assert!(!failure.code().is_empty());
        if status < 400 {
            assert!(text.len() < 100, "{text}");
        }
        check_first_line_only(status, body, &text);
    }
});

/// What follows the message's first line changes nothing: AWS puts the canonical request there, session token included.
fn check_first_line_only(status: u16, body: &[u8], text: &str) {
    let Some((before, after)) = std::str::from_utf8(body)
        .ok()
        .and_then(|body| body.split_once("</Message>"))
    else {
        return;
    };
    let message = before.rsplit("<Message>").next().unwrap_or_default();
    if !before.contains("<Message>")
        || message.trim().is_empty()
        || before.contains("</Code><") != before.contains("</Code>")
    {
        return;
    }
    let longer = format!("{before}\nx-amz-security-token:hunter2</Message>{after}");
    assert_eq!(failure_of_answer(status, longer.as_bytes()).to_string(), text);
}
