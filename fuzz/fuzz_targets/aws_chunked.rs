//! Any body taken apart as aws-chunked: the same answer wherever it is cut.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u16, &[u8])| {
    let (cut, body) = input;
    signing_proxy::fuzzing::aws_chunked(body, usize::from(cut));
});
