use http::Request;
use proxy_config::{Config, Environment};
use resource_limits::ListenerRole;

use super::*;
use crate::admit::admit;
use crate::authenticate::authenticate;
use crate::route::{RouteError, Router};

const AWS: &str = "";
const ELSEWHERE: &str = "endpoint = \"http://store.internal\"\nallow_cleartext = true\n";
const ELSEWHERE_TLS: &str = "endpoint = \"https://store.internal\"\n";

/// The rows' bodies are beyond memory but for those that say otherwise.
const LARGE: &str = "content-length: 200000";
const IN_CHUNKS: &str = "content-length: 300000\nx-amz-content-sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER\n\
                         content-encoding: aws-chunked\nx-amz-decoded-content-length: 200000";

/// How the body of a `PUT` with these headers goes out.
fn plan_of(keys: &str, target: &str, headers: &str) -> String {
    let config = format!(
        "[connections.c]\nservice = \"s3\"\nregion = \"eu-west-1\"\nlimits = {{ memory_body = \"100KiB\" }}\n{keys}\n\
         auth = {{ method = \"default-chain\" }}"
    );
    let config = Config::from_toml(&config, &Environment::empty()).unwrap();
    let mut request = Request::put(target).header("host", "localhost");
    for line in headers.lines() {
        let (name, value) = line.split_once(": ").unwrap();
        request = request.header(name, value);
    }
    let (head, ()) = request.body(()).unwrap().into_parts();
    let admitted = admit(head, "test").unwrap();
    let router = Router::new(&config, Ok::<_, RouteError>).unwrap();
    let request = router.route(authenticate(admitted), &ListenerRole::Shared).unwrap();
    let request = Normalized::of_routed(request, "test").unwrap();
    let operation = request.operation();
    match choose(&request, operation.as_deref()) {
        None => "hashed".to_owned(),
        Some(StreamPlan::Plain(_)) => "plain".to_owned(),
        Some(StreamPlan::Open) => "open".to_owned(),
        Some(StreamPlan::Chunked(layout)) => match layout.integrity {
            ChunkIntegrity::Signed => "signed".to_owned(),
            ChunkIntegrity::SignedTrailer(algorithm) => format!("signed {algorithm:?}"),
            ChunkIntegrity::UnsignedTrailer(algorithm) => format!("unsigned {algorithm:?}"),
        },
    }
}

#[track_caller]
fn check(keys: &str, headers: &str, want: &str) {
    assert_eq!(plan_of(keys, "/b/k", headers), want, "{keys:?} {headers:?}");
}

#[test]
fn auto_sends_large_uploads_to_aws_as_its_sdks_do_and_signs_the_chunks_of_others() {
    check(AWS, LARGE, "unsigned Crc64Nvme");
    check("checksum = \"crc32c\"", LARGE, "unsigned Crc32c");
    check(ELSEWHERE, LARGE, "signed");
    check(ELSEWHERE_TLS, LARGE, "signed");
    for keys in [AWS, ELSEWHERE] {
        check(keys, "content-length: 102400", "hashed");
        check(keys, "content-length: 0", "hashed");
        check(keys, "transfer-encoding: chunked", "hashed");
    }
}

#[test]
fn signed_is_always_the_hash_of_the_whole() {
    check("payload = \"signed\"", LARGE, "hashed");
    check("payload = \"signed\"", IN_CHUNKS, "hashed");
}

#[test]
fn the_streaming_modes_begin_beyond_one_chunk() {
    for (mode, want) in [
        ("streaming", "signed"),
        ("streaming-trailer", "signed Crc64Nvme"),
        ("unsigned-trailer", "unsigned Crc64Nvme"),
    ] {
        let keys = format!("payload = \"{mode}\"\n{ELSEWHERE_TLS}");
        check(&keys, "content-length: 65537", want);
        check(&keys, "content-length: 65536", "hashed");
        let keys = format!("{keys}chunk_size = \"8KiB\"\n");
        check(&keys, "content-length: 8193", want);
    }
}

#[test]
fn a_clients_own_framing_is_replaced_and_its_checksum_kept() {
    let with_sum = format!("{IN_CHUNKS}\nx-amz-trailer: x-amz-checksum-crc32");
    check(AWS, &with_sum, "unsigned Crc32");
    check(ELSEWHERE, &with_sum, "signed Crc32");
    check("payload = \"streaming\"", &with_sum, "signed Crc32");
    check("payload = \"streaming-trailer\"", &with_sum, "signed Crc32");
    check("payload = \"unsigned\"", &with_sum, "unsigned Crc32");
    check("payload = \"unsigned\"", IN_CHUNKS, "plain");
    check("payload = \"streaming-trailer\"", IN_CHUNKS, "signed Crc64Nvme");
    let unknown = format!("{IN_CHUNKS}\nx-amz-trailer: x-amz-checksum-xxhash3");
    check(AWS, &unknown, "hashed");
    let without_length = IN_CHUNKS.replace("decoded-content-length", "meta-length");
    check(AWS, &without_length, "hashed");
}

#[test]
fn no_second_checksum_is_added() {
    for own in [
        "x-amz-checksum-crc32c: AAAAAA==",
        "content-md5: 1B2M2Y8AsgTpgAmY7PhCfg==",
    ] {
        let headers = format!("{LARGE}\n{own}");
        check(AWS, &headers, "plain");
        check("payload = \"streaming-trailer\"", &headers, "signed");
        check("payload = \"unsigned-trailer\"", &headers, "plain");
    }
}

#[test]
fn a_part_gets_no_checksum_of_ours() {
    let part = "/b/k?partNumber=1&uploadId=u";
    assert_eq!(plan_of(AWS, part, LARGE), "signed");
    assert_eq!(plan_of("payload = \"streaming-trailer\"", part, LARGE), "signed");
    assert_eq!(plan_of("payload = \"unsigned-trailer\"", part, LARGE), "plain");
    let with_sum = format!("{IN_CHUNKS}\nx-amz-trailer: x-amz-checksum-crc64nvme");
    assert_eq!(plan_of(AWS, part, &with_sum), "unsigned Crc64Nvme");
}

#[test]
fn what_the_client_wants_unsigned_passes_so_over_tls() {
    let headers = format!("{LARGE}\nx-amz-content-sha256: UNSIGNED-PAYLOAD");
    check(AWS, &headers, "plain");
    check(ELSEWHERE, &headers, "signed");
    check("payload = \"signed\"", &headers, "hashed");
}

#[test]
fn only_uploads_pass() {
    for mode in ["auto", "streaming", "streaming-trailer", "unsigned-trailer"] {
        let keys = format!("payload = \"{mode}\"");
        assert_eq!(plan_of(&keys, "/b?tagging", LARGE), "hashed", "{mode}");
    }
}
