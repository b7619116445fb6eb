//! Listings, which policies hold to a prefix.

use auth_model::Partition;

use crate::mapping::test_request::test_request;
use crate::record::Needed;
use crate::template::{BucketName, KeyPrefix, s3_read_only};
use crate::{AllowPolicy, Decision};

/// Whether the policy of the `s3-read-only` template for `reports/2026/` allows the request.
fn reads_below_2026(line: &str) -> bool {
    let (bucket, prefix) = (
        BucketName::parse("reports").unwrap(),
        KeyPrefix::parse("2026/").unwrap(),
    );
    let policy = s3_read_only(Partition::Aws, &bucket, Some(&prefix));
    let policy = AllowPolicy::new(&policy).unwrap();
    let mapping = test_request(line).map().unwrap();
    policy.decide(&mapping) == Decision::Allow
}

#[test]
fn a_listing_is_allowed_by_its_prefix() {
    for inside in [
        "prefix=2026/",
        "list-type=2&prefix=2026/11&delimiter=/",
        "list-type=2&pre%66ix=2026%2F11",
        // No prefix is a path: this lists nothing but keys that begin so.
        "prefix=2026/../2025/",
    ] {
        assert!(
            reads_below_2026(&format!("GET reports.s3.eu-west-1.amazonaws.com/?{inside}")),
            "{inside}"
        );
    }
    for outside in [
        "list-type=2",
        "prefix=",
        "prefix",
        "prefix=2025/",
        "prefix=2026",
        "prefix=x/../2026/",
        "prefix=/2026/",
        "prefix=%252026/",
        "prefix=2026%252F",
        // A space or a plus.
        "prefix=2026/a+b",
        "delimiter=2026/",
        "&&=2026/",
    ] {
        assert!(
            !reads_below_2026(&format!("GET reports.s3.eu-west-1.amazonaws.com/?{outside}")),
            "{outside}"
        );
    }
    assert!(!reads_below_2026(
        "HEAD reports.s3.eu-west-1.amazonaws.com/?prefix=2026/"
    ));
    assert!(!reads_below_2026("GET other.s3.eu-west-1.amazonaws.com/?prefix=2026/"));
    let both = test_request("GET reports.s3.eu-west-1.amazonaws.com/?prefix=2026/&%70refix=2026/");
    both.is_rejected("query parameter prefix, sent twice");
    test_request("GET reports.s3.eu-west-1.amazonaws.com/?prefix=%zz").is_rejected("prefix: a '%'");
}

#[test]
fn a_denied_prefix_is_denied_and_so_is_a_listing_without_one() {
    let policy = AllowPolicy::parse(
        r#"{"Version":"2012-10-17","Statement":[
            {"Effect":"Allow","Action":"s3:List*","Resource":"arn:aws:s3:::b"},
            {"Effect":"Deny","Action":"s3:List*","Resource":"*","Condition":{"StringLike":{"s3:prefix":"secret/*"}}}]}"#,
    )
    .unwrap();
    for kind in ["", "list-type=2", "versions", "uploads"] {
        for (prefix, is_allowed) in [
            ("&prefix=open/", true),
            ("&prefix=secret/a", false),
            ("&prefix=secret%2Fa", false),
            ("", false),
        ] {
            let line = format!("GET b.s3.eu-west-1.amazonaws.com/?{kind}{prefix}");
            let mapping = test_request(&line).map().unwrap();
            assert_eq!(policy.decide(&mapping) == Decision::Allow, is_allowed, "{line}");
        }
    }
}

#[test]
fn what_is_listed_is_not_recorded() {
    let needs = |line: &str| {
        test_request(line)
            .map()
            .unwrap()
            .required
            .iter()
            .map(Needed::of)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        needs("GET b.s3.eu-west-1.amazonaws.com/?prefix=2026/"),
        needs("GET b.s3.eu-west-1.amazonaws.com/"),
    );
}
