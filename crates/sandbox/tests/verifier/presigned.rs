//! Presigned URLs, in S3 and elsewhere.

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation, SigningSettings, UriPathNormalizationMode,
    sign,
};
use aws_sigv4::sign::v4::SigningParams;
use bytes::Bytes;
use http::{Request, Uri};
use http_body_util::Full;
use sandbox::principals::{BUCKET, REPORT_READER, ROBOT};
use sandbox::{Sandbox, SandboxSettings};

use crate::sts::assume;
use crate::support::{Draft, TestResponse, send};

/// The draft's request with the signature in its query.
fn presign(draft: &Draft, host: std::net::SocketAddr, expires: u64) -> Request<Full<Bytes>> {
    let mut settings = SigningSettings::default();
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(Duration::from_secs(expires));
    let body = if draft.service == "s3" {
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        SignableBody::UnsignedPayload
    } else {
        SignableBody::Bytes(draft.body.as_bytes())
    };
    let keys = &draft.keys;
    let identity = Credentials::new(&keys.id, &keys.secret, keys.token.clone(), None, "test").into();
    let params = SigningParams::builder()
        .identity(&identity)
        .region(draft.region)
        .name(draft.service)
        .time(draft.time)
        .settings(settings)
        .build()
        .unwrap()
        .into();
    let uri = format!("http://{host}{}", draft.target);
    let signable = SignableRequest::new(draft.method, uri.as_str(), std::iter::empty(), body).unwrap();
    let mut request = Request::builder().method(draft.method).uri(&uri).body(()).unwrap();
    sign(signable, &params)
        .unwrap()
        .into_parts()
        .0
        .apply_to_request_http1x(&mut request);
    let target = request.uri().path_and_query().unwrap().as_str();
    Request::builder()
        .method(draft.method)
        .uri(target)
        .header("host", host.to_string())
        .body(Full::from(draft.body.clone()))
        .unwrap()
}

async fn start() -> Sandbox {
    Sandbox::start(SandboxSettings::default()).await.unwrap()
}

#[tokio::test]
async fn whoever_has_the_url_may_use_it_for_its_time() {
    let sandbox = start().await;
    let go = async |draft: &Draft, expires| -> TestResponse {
        send(sandbox.s3(), presign(draft, sandbox.s3(), expires)).await
    };
    let put = Draft::new("s3", "PUT", &format!("/{BUCKET}/a%20key")).with_body("presigned");
    assert_eq!(go(&put, 60).await.status, 200);
    let mut get = Draft::new(
        "s3",
        "GET",
        &format!("/{BUCKET}/a%20key?response-content-type=text%2Fplain"),
    );
    get.keys = assume(&sandbox, ROBOT.into(), REPORT_READER.arn, None).await;
    assert_eq!(go(&get, 60).await.body, "presigned");
    get.time -= Duration::from_hours(1);
    assert_eq!(go(&get, 7200).await.status, 200);
    assert_eq!(go(&get, 1800).await.code(), "RequestTimeTooSkewed");
    get.time += Duration::from_hours(2);
    assert_eq!(go(&get, 1800).await.code(), "RequestTimeTooSkewed");
    assert_eq!(go(&put, 604_801).await.code(), "AuthorizationHeaderMalformed");
}

#[tokio::test]
async fn a_tampered_url_is_refused() {
    let sandbox = start().await;
    let get = Draft::new("s3", "GET", &format!("/{BUCKET}?list-type=2"));
    let tampered = |from: &str, to: &str| {
        let mut request = presign(&get, sandbox.s3(), 60);
        let uri = request.uri().to_string();
        assert!(uri.contains(from), "{uri}");
        *request.uri_mut() = uri.replace(from, to).parse::<Uri>().unwrap();
        send(sandbox.s3(), request)
    };
    for (from, to, code) in [
        ("list-type=2", "list-type=1", "SignatureDoesNotMatch"),
        ("X-Amz-Expires=60", "X-Amz-Expires=61", "SignatureDoesNotMatch"),
        (
            "X-Amz-Expires=60",
            "X-Amz-Expires=60&X-Amz-Expires=600",
            "AuthorizationHeaderMalformed",
        ),
        ("X-Amz-SignedHeaders=host", "X-Amz-SignedHeaders=x", "AccessDenied"),
    ] {
        assert_eq!(tampered(from, to).await.code(), code, "{to}");
    }
}

#[tokio::test]
async fn other_services_take_them_too() {
    let sandbox = start().await;
    let draft = Draft::new("sts", "GET", "/?Action=GetCallerIdentity&Version=2011-06-15").with_keys(ROBOT);
    let response = send(sandbox.sts(), presign(&draft, sandbox.sts(), 60)).await;
    assert_eq!(response.element("Arn"), ROBOT.arn);
}
