//! The verifier takes the upload that AWS documents, and nothing that differs from it in a byte:
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html>.

use super::*;

const KEY: &str = "AKIAIOSFODNN7EXAMPLE";
const STREAMING: &str = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
const SIGNATURES: [&str; 3] = [
    "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
    "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
    "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
];

fn head() -> Head {
    let signed = "content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;\
                  x-amz-storage-class";
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential={KEY}/20130524/us-east-1/s3/aws4_request,SignedHeaders={signed},\
         Signature=4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"
    );
    let fields = [
        ("host", "s3.amazonaws.com"),
        ("x-amz-date", "20130524T000000Z"),
        ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
        ("authorization", &authorization),
        ("x-amz-content-sha256", STREAMING),
        ("content-encoding", "aws-chunked"),
        ("x-amz-decoded-content-length", "66560"),
        ("content-length", "66824"),
    ];
    Head {
        method: "PUT".to_owned(),
        target: "/examplebucket/chunkObject.txt".to_owned(),
        fields: fields.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
    }
}

fn body() -> Vec<u8> {
    let mut body = Vec::new();
    for (length, signature) in [65_536, 1_024, 0].into_iter().zip(SIGNATURES) {
        body.extend_from_slice(format!("{length:x};chunk-signature={signature}\r\n").as_bytes());
        body.resize(body.len() + length, b'a');
        body.extend_from_slice(b"\r\n");
    }
    body
}

fn check(head: &Head, body: Vec<u8>, token: Option<&str>) -> Result<Bytes, Wrong> {
    let keys = Keys::default();
    let key = Key {
        secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned(),
        token: token.map(str::to_owned),
        expires_at: None,
        is_revoked: false,
    };
    keys.add(KEY, key);
    let now = parse_time("20130524T000100Z").expect("a time");
    let claim = Claim::read(head, &keys, now)?;
    let payload = head.field("x-amz-content-sha256").unwrap_or_default();
    claim.check_head(head, payload)?;
    claim.open(payload, body.into(), false)
}

#[test]
fn documented_upload_is_taken() {
    let content = check(&head(), body(), None).expect("it is right");
    assert_eq!(content, vec![b'a'; 66_560]);
}

#[test]
fn any_other_is_not() {
    for at in [0, 20, 90, 60_000, 66_000, body().len() - 10] {
        let mut changed = body();
        changed[at] ^= 1;
        assert!(check(&head(), changed, None).is_err(), "byte {at}");
    }
    let cut = body()[..body().len() - 86].to_vec();
    assert!(check(&head(), cut, None).is_err(), "no last chunk");
    let more = [&body()[..], b"more"].concat();
    assert!(check(&head(), more, None).is_err(), "bytes behind the end");
    assert!(check(&head(), body(), Some("token")).is_err(), "no session token");
    for field in 0..head().fields.len() {
        let mut changed = head();
        changed.fields[field].1.push('0');
        assert!(check(&changed, body(), None).is_err(), "{:?}", changed.fields[field]);
        changed.fields.remove(field);
        assert!(
            check(&changed, body(), None).is_err(),
            "without {:?}",
            head().fields[field]
        );
    }
    let mut changed = head();
    changed.fields.push(("x-amz-acl".to_owned(), "public-read".to_owned()));
    assert!(check(&changed, body(), None).is_err(), "a field that is not signed");
    changed = head();
    changed.target.push('2');
    assert!(check(&changed, body(), None).is_err(), "another key");
    changed = head();
    changed.method = "POST".to_owned();
    assert!(check(&changed, body(), None).is_err(), "another method");
}

#[test]
fn hash_has_to_be_that_of_the_body() {
    let keys = Keys::default();
    let now = parse_time("20130524T000100Z").expect("a time");
    let mut head = head();
    head.fields[3].1 = head.fields[3].1.replace(KEY, super::super::keys::PLAIN);
    let claim = Claim::read(&head, &keys, now).expect("a claim");
    let hash = hex::encode(sha256(b"body"));
    assert!(claim.open(&hash, Bytes::from_static(b"body"), false).is_ok());
    assert!(claim.open(&hash, Bytes::from_static(b"bodY"), false).is_err());
    assert!(
        claim
            .open("UNSIGNED-PAYLOAD", Bytes::from_static(b"body"), true)
            .is_err()
    );
}
