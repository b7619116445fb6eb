use std::time::UNIX_EPOCH;

use auth_model::{AccessKeyId, Credentials, Region, Secret, SecretAccessKey, SessionToken, SigningName};
use aws_endpoints::PathEncoding;

use super::*;
use crate::{Payload, SigningScope};

fn presign(uri: &str, headers: &[(&str, &str)], expires: Duration) -> Result<Uri, SignError> {
    let mut request = http::Request::builder().uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let (head, ()) = request.body(()).unwrap().into_parts();
    let credentials = Credentials::new(
        AccessKeyId::parse("AKIDEXAMPLE").unwrap(),
        SecretAccessKey::parse(Secret::new("SECRET")).unwrap(),
    )
    .with_session_token(SessionToken::parse(Secret::new("TOKEN/+=")).unwrap());
    let input = SignInput {
        scope: &SigningScope {
            region: Region::parse("eu-west-1").unwrap(),
            name: SigningName::parse("s3").unwrap(),
        },
        path_encoding: PathEncoding::Single,
        credentials: &credentials,
        payload: Payload::Unsigned,
        time: UNIX_EPOCH,
    };
    Signer::new().presign(&head, &input, expires)
}

const HOUR: Duration = Duration::from_hours(1);

#[test]
fn a_presigned_uri_has_all_parameters_after_the_requests_own() {
    let uri = presign(
        "/key?versionId=3",
        &[
            ("Host", "Bucket.example:443"),
            ("x-amz-acl", "private"),
            ("accept", "*/*"),
        ],
        HOUR,
    )
    .unwrap();
    let (start, signature) = uri.query().unwrap().rsplit_once('=').unwrap();
    assert_eq!(
        start,
        "versionId=3&X-Amz-Algorithm=AWS4-HMAC-SHA256\
         &X-Amz-Credential=AKIDEXAMPLE%2F19700101%2Feu-west-1%2Fs3%2Faws4_request\
         &X-Amz-Date=19700101T000000Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host%3Bx-amz-acl\
         &X-Amz-Security-Token=TOKEN%2F%2B%3D&X-Amz-Signature"
    );
    assert_eq!(signature.len(), 64);
    assert_eq!(
        (uri.scheme_str(), uri.authority().unwrap().as_str(), uri.path()),
        (Some("https"), "bucket.example", "/key")
    );
}

#[test]
fn a_presigned_request_expires_within_a_week() {
    for (expires, good) in [
        (Duration::ZERO, false),
        (Duration::from_millis(1500), false),
        (Duration::from_secs(1), true),
        (Duration::from_hours(7 * 24), true),
        (Duration::from_secs(604_801), false),
    ] {
        let result = presign("http://host/", &[], expires);
        assert_eq!(result.is_ok(), good, "{expires:?}");
        if !good {
            assert_eq!(result.unwrap_err(), SignError::ExpiryOutOfRange);
        }
    }
}

#[test]
fn nothing_is_presigned_twice() {
    let once = presign("http://host/key", &[], HOUR).unwrap().to_string();
    assert_eq!(presign(&once, &[], HOUR).err(), Some(SignError::AlreadySigned));
}

#[test]
fn a_target_that_outgrows_a_uri_is_refused() {
    let long = format!("/{}", "a".repeat(64_900));
    let result = presign(&long, &[("host", "host")], HOUR);
    assert_eq!(result.err(), Some(SignError::TargetTooLong));
}
