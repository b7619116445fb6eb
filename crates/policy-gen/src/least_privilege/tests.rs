use proptest::prelude::*;

use super::*;
use crate::decision::AllowPolicy;
use crate::mapping::{Condition, Resource, Unresolved};
use crate::record::Seen;

fn need(action: &str, arn: &str) -> Need {
    Need::new(action.to_owned(), Resource::Exact(arn.to_owned()))
}

fn record<'n>(needs: impl IntoIterator<Item = &'n Need>) -> RecordSet {
    let mut record = RecordSet::default();
    for need in needs {
        record.observe(Needed::of(need), Seen::once(1, Some(200)));
    }
    record
}

#[track_caller]
fn check(pairs: &[(&str, &str)], options: Options, want: &str) -> Report {
    let needs: Vec<_> = pairs.iter().map(|(action, arn)| need(action, arn)).collect();
    let made = least_privilege(&record(&needs), options);
    let json = made.policy.unwrap().to_json();
    let statements = json.strip_prefix(r#"{"Version":"2012-10-17","Statement":["#).unwrap();
    assert_eq!(statements.strip_suffix("]}").unwrap(), want);
    made.report
}

fn reads(text: &str) -> Options {
    Options {
        reads: text.parse().unwrap(),
        ..Options::default()
    }
}

#[test]
fn statements_are_joined_where_no_pair_arises() {
    check(
        &[
            ("s3:PutObject", "arn:aws:s3:::b/both"),
            ("s3:GetObject", "arn:aws:s3:::b/both"),
            ("s3:GetObject", "arn:aws:s3:::b/x"),
            ("s3:GetObject", "arn:aws:s3:::b/y"),
            ("s3:ListBucket", "arn:aws:s3:::b"),
        ],
        Options::default(),
        concat!(
            r#"{"Sid":"S3ReadBucket","Effect":"Allow","Action":["s3:ListBucket"],"Resource":["arn:aws:s3:::b"]},"#,
            r#"{"Sid":"S3ReadObject","Effect":"Allow","Action":["s3:GetObject"],"Resource":["arn:aws:s3:::b/x","arn:aws:s3:::b/y"]},"#,
            r#"{"Sid":"S3ReadWriteObject","Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],"Resource":["arn:aws:s3:::b/both"]}"#,
        ),
    );
}

#[test]
fn an_action_on_several_types_stays_together() {
    check(
        &[
            ("ec2:RunInstances", "arn:aws:ec2:eu-west-1:111122223333:subnet/s"),
            ("ec2:RunInstances", "arn:aws:ec2:eu-west-1:111122223333:instance/*"),
            ("ec2:DeleteSubnet", "arn:aws:ec2:eu-west-1:111122223333:subnet/s"),
        ],
        Options::default(),
        concat!(
            r#"{"Sid":"Ec2WriteSubnet","Effect":"Allow","Action":["ec2:DeleteSubnet"],"Resource":["arn:aws:ec2:eu-west-1:111122223333:subnet/s"]},"#,
            r#"{"Sid":"Ec2WriteVarious","Effect":"Allow","Action":["ec2:RunInstances"],"Resource":["arn:aws:ec2:eu-west-1:111122223333:instance/${*}","arn:aws:ec2:eu-west-1:111122223333:subnet/s"]}"#,
        ),
    );
}

#[test]
fn names_that_collide_are_numbered() {
    check(
        &[
            ("s3:GetObject", "arn:aws:s3:::b/x"),
            ("s3:GetObjectAcl", "arn:aws:s3:::b/y"),
        ],
        Options::default(),
        concat!(
            r#"{"Sid":"S3ReadObjectN1","Effect":"Allow","Action":["s3:GetObject"],"Resource":["arn:aws:s3:::b/x"]},"#,
            r#"{"Sid":"S3ReadObjectN2","Effect":"Allow","Action":["s3:GetObjectAcl"],"Resource":["arn:aws:s3:::b/y"]}"#,
        ),
    );
}

#[test]
fn a_key_that_looks_like_a_wildcard_stays_a_key() {
    check(
        &[
            ("s3:GetObject", "arn:aws:s3:::b/*"),
            ("s3:GetObject", "arn:aws:s3:::b/x"),
        ],
        Options::default(),
        r#"{"Sid":"S3ReadObject","Effect":"Allow","Action":["s3:GetObject"],"Resource":["arn:aws:s3:::b/${*}","arn:aws:s3:::b/x"]}"#,
    );
}

const KEYS: [(&str, &str); 5] = [
    ("s3:GetObject", "arn:aws:s3:::b/a/1/x"),
    ("s3:GetObject", "arn:aws:s3:::b/a/1/y"),
    ("s3:GetObject", "arn:aws:s3:::b/a/2/z"),
    ("s3:GetObject", "arn:aws:s3:::b/top"),
    ("s3:PutObject", "arn:aws:s3:::b/a/1/x"),
];

fn read(resources: &str) -> String {
    format!(r#"{{"Sid":"S3ReadObject","Effect":"Allow","Action":["s3:GetObject"],"Resource":[{resources}]}},"#)
}

const WRITE: &str =
    r#"{"Sid":"S3WriteObject","Effect":"Allow","Action":["s3:PutObject"],"Resource":["arn:aws:s3:::b/a/1/x"]}"#;

#[test]
fn reads_are_widened_on_request_and_writes_are_not() {
    let widening = |to: &str, from| Widening {
        action: "s3:GetObject".to_owned(),
        to: to.to_owned(),
        from,
    };
    let report = check(&KEYS, reads("bucket"), &(read(r#""arn:aws:s3:::b/*""#) + WRITE));
    assert_eq!(report.widened, [widening("arn:aws:s3:::b/*", 4)]);
    let report = check(
        &KEYS,
        reads("prefix:1"),
        &(read(r#""arn:aws:s3:::b/a/*","arn:aws:s3:::b/top""#) + WRITE),
    );
    assert_eq!(report.widened, [widening("arn:aws:s3:::b/a/*", 3)]);
    let want = read(r#""arn:aws:s3:::b/a/1/*","arn:aws:s3:::b/a/2/z","arn:aws:s3:::b/top""#) + WRITE;
    assert_eq!(
        check(&KEYS, reads("above:1"), &want).widened,
        [widening("arn:aws:s3:::b/a/1/*", 2)]
    );
    let want = read(r#""arn:aws:s3:::b/a/*","arn:aws:s3:::b/top""#) + WRITE;
    assert_eq!(
        check(&KEYS, reads("above:2"), &want).widened,
        [widening("arn:aws:s3:::b/a/*", 3)]
    );
}

#[test]
fn writes_are_widened_by_a_request_of_their_own() {
    let options = Options {
        writes: Generalisation::Bucket,
        ..Options::default()
    };
    let made = least_privilege(
        &record(&[
            need("s3:PutObject", "arn:aws:s3:::b/x"),
            need("s3:GetObject", "arn:aws:s3:::b/y"),
        ]),
        options,
    );
    let policy = AllowPolicy::new(&made.policy.unwrap()).unwrap();
    assert!(policy.denial(&need("s3:PutObject", "arn:aws:s3:::b/other")).is_none());
    assert!(policy.denial(&need("s3:GetObject", "arn:aws:s3:::b/other")).is_some());
}

#[test]
fn access_points_are_widened_to_their_objects() {
    check(
        &[(
            "s3:GetObject",
            "arn:aws:s3:eu-west-1:111122223333:accesspoint/p/object/a/b",
        )],
        reads("bucket"),
        r#"{"Sid":"S3ReadAccessPointObject","Effect":"Allow","Action":["s3:GetObject"],"Resource":["arn:aws:s3:eu-west-1:111122223333:accesspoint/p/object/*"]}"#,
    );
}

#[test]
fn what_failed_and_what_is_unresolved_is_listed() {
    let mut record = record(&[need("s3:GetObject", "arn:aws:s3:::b/x")]);
    let failed = Needed::of(&need("s3:PutObject", "arn:aws:s3:::b/x"));
    record.observe(failed.clone(), Seen::once(1, Some(403)));
    let unresolved = Needed::of(&Need::new("iam:PassRole", Resource::Unresolved(Unresolved::Account)));
    record.observe(unresolved.clone(), Seen::once(1, Some(200)));
    let made = least_privilege(&record, Options::default());
    assert_eq!(
        (made.report.failed, made.report.unresolved),
        (vec![failed], vec![unresolved])
    );
    let json = made.policy.unwrap().to_json();
    assert!(json.contains("PutObject") && !json.contains("PassRole"), "{json}");
    let omit_failed = true;
    let made = least_privilege(
        &record,
        Options {
            omit_failed,
            ..Options::default()
        },
    );
    assert!(!made.policy.unwrap().to_json().contains("PutObject"));
}

#[test]
fn nothing_recorded_is_no_policy() {
    assert_eq!(least_privilege(&RecordSet::default(), Options::default()).policy, None);
}

#[test]
fn ways_to_widen_are_read() {
    assert_eq!("above:3".parse(), Ok(Generalisation::Above { keys: 3 }));
    for bad in [
        "",
        "all",
        "prefix",
        "prefix:0",
        "prefix:-1",
        "above:x",
        "bucket:1",
        "none:",
    ] {
        assert_eq!(bad.parse::<Generalisation>(), Err(InvalidGeneralisation), "{bad}");
    }
}

const ACTIONS: [&str; 4] = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:ListBucket"];
const NAMES: [&str; 8] = ["b", "b/x", "b/*", "b/?", "b/$", "b/${*}", "b/x/y€", "b2/x"];

fn needs() -> impl Strategy<Value = Vec<Need>> {
    let one = (0..ACTIONS.len(), 0..NAMES.len(), 0..3_usize).prop_map(|(action, name, service)| {
        let need = need(ACTIONS[action], &format!("arn:aws:s3:::{}", NAMES[name]));
        match ["", "s3.amazonaws.com", "$*"][service] {
            "" => need,
            value => need.with_condition(Condition {
                operator: "StringEquals",
                key: "kms:ViaService",
                value: value.to_owned(),
            }),
        }
    });
    prop::collection::vec(one, 1..20)
}

proptest! {
    #[test]
    fn exactly_what_was_recorded_is_granted(recorded in needs()) {
        let made = least_privilege(&record(&recorded), Options::default());
        let policy = AllowPolicy::new(&made.policy.unwrap()).unwrap();
        for action in ACTIONS {
            for name in NAMES {
                for value in ["", "s3.amazonaws.com", "$*", "x"] {
                    let mut requested = need(action, &format!("arn:aws:s3:::{name}"));
                    if !value.is_empty() {
                        requested = requested.with_condition(Condition { operator: "StringEquals", key: "kms:ViaService", value: value.to_owned() });
                    }
                    // What is granted without a condition is granted with one too.
                    let plain = need(action, &format!("arn:aws:s3:::{name}"));
                    let want = recorded.contains(&requested) || recorded.contains(&plain);
                    prop_assert_eq!(policy.denial(&requested).is_none(), want, "{:?}", requested);
                }
            }
        }
    }

    #[test]
    fn order_and_number_do_not_matter(mut recorded in needs(), again in needs()) {
        let bytes = |needs: &[Need]| {
            let made = least_privilege(&record(needs), reads("above:1"));
            (made.policy.unwrap().to_pretty_json(), made.report)
        };
        recorded.extend(again);
        let want = bytes(&recorded);
        recorded.reverse();
        recorded.extend(recorded.clone());
        prop_assert_eq!(bytes(&recorded), want);
    }

    #[test]
    fn widening_never_narrows(recorded in needs(), how in 0..4_usize) {
        let how = ["bucket", "prefix:1", "above:1", "above:2"][how].parse().unwrap();
        let made = least_privilege(&record(&recorded), Options { reads: how, writes: how, omit_failed: false });
        let policy = AllowPolicy::new(&made.policy.unwrap()).unwrap();
        prop_assert!(recorded.iter().all(|need| policy.denial(need).is_none()));
    }
}
