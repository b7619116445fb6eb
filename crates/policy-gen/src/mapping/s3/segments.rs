//! Segments of a key that other servers than AWS's read as a file system does.
//!
//! To AWS `a/../b` and `a//b` are keys like any other. Servers that keep objects in files resolve the one to `b` and join
//! the other to `a/b`, so what a policy says of the key as it is written would say nothing of what is read.

use aws_endpoints::percent::decode_lossy;

use crate::mapping::{MappingError, Request, Server};

/// Checks the segments of a key that was decoded once; says whether one but the last is empty, or divided by `\`, which
/// servers on Windows take for `/`.
///
/// # Errors
///
/// [`MappingError`] where a segment is `.` or `..`, also where that shows when it is decoded once more.
pub(super) fn check(request: &Request<'_>, key: &str, what: &'static str) -> Result<bool, MappingError> {
    match request.server {
        Server::Aws => return Ok(false),
        Server::Other => {}
    }
    let is_dots = |segment: &str| matches!(segment, "." | "..");
    let divided = || key.split(['/', '\\']);
    let twice = decode_lossy(key);
    if divided().any(is_dots) || twice.split(['/', '\\']).any(is_dots) {
        let reason = "a segment '.' or '..' has no place in it: servers other than AWS's resolve it, and then it is another \
                      object that the policy says nothing about";
        return Err(MappingError::malformed(what, reason));
    }
    let count = divided().count();
    Ok(twice.contains('\\') || divided().take(count.saturating_sub(1)).any(str::is_empty))
}

#[cfg(test)]
mod tests {
    use crate::mapping::test_request::test_request;

    #[test]
    fn dot_segments_are_keys_to_aws_alone() {
        for path in [
            "pub/../secret",
            "pub/%2e%2E/secret",
            "./a",
            "a/%2E",
            "pub%2F..%2Fsecret",
            "pub/%252e%252e/x",
            "a%5C..%5Cb",
        ] {
            let aws = test_request(&format!("GET s3.eu-west-1.amazonaws.com/b/{path}")).map();
            assert!(aws.is_ok(), "{path}: {aws:?}");
            for line in [
                format!("GET other/b/{path}"),
                format!("PUT other/b/{path}"),
                format!("DELETE other/b/{path}"),
            ] {
                test_request(&line).is_rejected("a segment");
            }
            test_request("PUT other/b/k")
                .with("x-amz-copy-source", &format!("b/{path}"))
                .is_rejected("a segment");
        }
        let delete = |key: &str| {
            test_request("POST other/b?delete").with_body(format!("<Delete><Object><Key>{key}</Key></Object></Delete>"))
        };
        delete("pub/../secret").is_rejected("a segment");
        test_request("GET other/b?prefix=pub/../secret/").is_rejected("a segment");
        test_request("GET other/b/a..b/..c/d.").is(&["s3:GetObject arn:aws:s3:::b/a..b/..c/d."]);
        assert!(test_request("GET other/b/a//k").map().unwrap().has_empty_segment);
        assert!(delete("/k").map().unwrap().has_empty_segment);
        assert!(test_request("GET other/b/secret%5Ck").map().unwrap().has_empty_segment);
        assert!(!test_request("GET other/b/folder/").map().unwrap().has_empty_segment);
        assert!(
            !test_request("GET s3.eu-west-1.amazonaws.com/b/a//k")
                .map()
                .unwrap()
                .has_empty_segment
        );
    }
}
