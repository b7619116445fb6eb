use super::*;
use crate::mapping::Unresolved;

fn needed(action: &'static str, key: &str) -> Needed {
    Needed::of(&Need::new(action, Resource::Exact(format!("arn:aws:s3:::b/{key}"))))
}

fn set(sightings: &[(&'static str, &str, u64, Option<u16>)]) -> RecordSet {
    let mut set = RecordSet::default();
    for (action, key, at, status) in sightings {
        set.observe(needed(action, key), Seen::once(*at, *status));
    }
    set
}

#[test]
fn the_same_thing_is_one_entry() {
    let set = set(&[
        ("s3:GetObject", "k", 20, Some(404)),
        ("s3:GetObject", "k", 10, Some(200)),
        ("s3:GetObject", "k", 30, None),
        ("s3:PutObject", "k", 30, Some(503)),
    ]);
    let (_, seen) = set.iter().next().unwrap();
    assert_eq!((set.len(), seen.count, seen.first, seen.last), (2, 3, 10, 30));
    assert_eq!(
        (seen.responses.success, seen.responses.client_error, seen.responses.none),
        (1, 1, 1)
    );
    let never: Vec<_> = set.iter().map(|(_, seen)| seen.never_succeeded()).collect();
    assert_eq!(never, [false, true]);
}

#[test]
fn what_is_written_is_read_back() {
    let mut set = set(&[
        ("s3:GetObject", "k*€", 1, Some(304)),
        ("s3:GetObject", "k", 1, Some(200)),
    ]);
    let bound = Need::new("kms:Decrypt", Resource::Unresolved(Unresolved::Account)).with_condition(Condition {
        operator: "StringEquals",
        key: "kms:ViaService",
        value: "s3.$*".to_owned(),
    });
    set.observe(Needed::of(&bound), Seen::once(5, None));
    set.observe(
        Needed::of(&Need::new("ec2:DescribeInstances", Resource::Any)),
        Seen::once(5, None),
    );
    let json = set.to_json();
    assert!(
        json.contains(r"arn:aws:s3:::b/k${*}€") && json.contains(r#"["StringEquals","kms:ViaService","s3.${$}*"]"#),
        "{json}"
    );
    let read = RecordSet::parse(&json).unwrap().limited_to(DEFAULT_LIMIT);
    assert_eq!(read, set);
    assert_eq!(read.to_json(), json);
    assert!(RecordSet::parse(&RecordSet::default().to_json()).unwrap().is_empty());
}

#[test]
fn a_full_set_counts_what_it_drops() {
    let mut small = RecordSet::with_limit(1);
    for key in ["a", "b", "a", "c"] {
        small.observe(needed("s3:GetObject", key), Seen::once(1, Some(200)));
    }
    assert_eq!((small.len(), small.dropped()), (1, 2));
    assert_eq!(small.iter().next().unwrap().1.count, 2);
}

#[test]
fn merging_does_not_depend_on_the_order() {
    let sets = [
        set(&[("s3:GetObject", "a", 1, Some(200)), ("s3:GetObject", "c", 2, None)]),
        set(&[("s3:GetObject", "b", 3, Some(200)), ("s3:GetObject", "a", 9, Some(500))]),
        set(&[("s3:GetObject", "c", 4, Some(200)), ("s3:GetObject", "d", 4, Some(200))]),
    ];
    let merged = |order: [usize; 3], limit| {
        let mut all = RecordSet::with_limit(limit);
        for index in order {
            all.merge(sets[index].clone());
        }
        all.to_json()
    };
    for limit in [0, 1, 2, 3, 4] {
        let want = merged([0, 1, 2], limit);
        for order in [[0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            assert_eq!(merged(order, limit), want);
        }
    }
}

#[test]
fn what_no_recorder_writes_is_rejected() {
    let row = |row: &str| format!(r#"{{"version":1,"dropped":0,"entries":[{row}]}}"#);
    let seen = r#""count":1,"first_seen":1,"last_seen":1,"responses":{"2xx":1}"#;
    for (json, want) in [
        ("{}".to_owned(), "missing field `version`"),
        (r#"{"version":2,"new":1}"#.to_owned(), "a record of version 2"),
        (
            row(&format!(r#"{{"action":"s3:*","resource":"*",{seen}}}"#)),
            "entry 1: action",
        ),
        (
            row(&format!(r#"{{"action":"s3:GetObject","resource":"b/k",{seen}}}"#)),
            "entry 1: resource",
        ),
        (
            row(&format!(
                r#"{{"action":"s3:GetObject","resource":"arn:aws:s3:::${{x}}",{seen}}}"#
            )),
            "entry 1: resource",
        ),
        (
            row(&format!(r#"{{"action":"s3:GetObject",{seen}}}"#)),
            "either resource",
        ),
        (
            row(&format!(
                r#"{{"action":"s3:GetObject","resource":"*","more":1,{seen}}}"#
            )),
            "unknown field",
        ),
    ] {
        let error = RecordSet::parse(&json).unwrap_err().to_string();
        assert!(error.contains(want), "{error}");
    }
}

#[test]
fn no_request_makes_a_record_that_cannot_be_read() {
    let mut set = RecordSet::default();
    for key in ["*".repeat(1_024), "k".repeat(60_000), "\u{1}\"\\".to_owned()] {
        let need = Need::new("s3:GetObject", Resource::Exact(format!("arn:aws:s3:::b/{key}")));
        set.observe(Needed::of(&need), Seen::once(1, Some(400)));
    }
    let read = RecordSet::parse(&set.to_json()).unwrap();
    assert_eq!(read.len(), 3);
    assert_eq!(
        read.iter()
            .filter(|(needed, _)| matches!(needed.on, Recorded::Unresolved(_)))
            .count(),
        1
    );
}
