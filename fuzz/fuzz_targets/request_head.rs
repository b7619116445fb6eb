//! Any request head, admitted and routed: sent to a connection's own place, or refused.

#![no_main]

use http::{Request, Version};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, &[u8], Vec<(&str, &[u8])>)| {
    let (version, target, headers) = input;
    let version = match version % 3 {
        0 => Version::HTTP_10,
        1 => Version::HTTP_11,
        _ => Version::HTTP_2,
    };
    let mut request = Request::builder().version(version).uri(target);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    if let Ok(request) = request.body(()) {
        signing_proxy::fuzzing::head(request);
    }
});
