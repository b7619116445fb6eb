//! Policies and records that others wrote: read the same twice, decided without contradiction, and never allowing by
//! what is not known.
#![no_main]

use libfuzzer_sys::fuzz_target;
use policy_gen::literal;
use policy_gen::least_privilege::{Options, least_privilege};
use policy_gen::mapping::{Need, Resource, Unresolved};
use policy_gen::record::{Needed, Seen};
use policy_gen::{AllowPolicy, Policy, RecordSet};

fuzz_target!(|input: &[u8]| {
    let Ok(text) = std::str::from_utf8(input) else { return };
    // The last line is an action and an ARN, the lines before it are a policy or a record.
    let (document, request) = text.trim_end().rsplit_once('\n').unwrap_or((text, ""));
    let (action, arn) = request.split_once(' ').unwrap_or((request, ""));
    check_policy(document, action, arn);
    check_record(document);
    check_recorded(action, arn);
});

fn check_policy(document: &str, action: &str, arn: &str) {
    let Ok(policy) = Policy::parse(document) else {
        assert!(AllowPolicy::parse(document).is_err());
        return;
    };
    assert_eq!(Policy::parse(&policy.to_pretty_json()).ok().as_ref(), Some(&policy));
    let Ok(allow) = AllowPolicy::parse(document) else { return };
    let need = |resource| Need::new(action.to_owned(), resource);
    let exact = allow.denial(&need(Resource::Exact(arn.to_owned())));
    // No ARN that IAM takes is longer, and no pattern either.
    if arn.chars().count() <= 2_048 {
        assert_eq!(allow.denial(&need(Resource::Pattern(literal(arn)))), exact);
    }
    if allow.denial(&need(Resource::Unresolved(Unresolved::Account))).is_none() {
        assert_eq!(exact, None);
    }
    if allow.denial(&need(Resource::Pattern("*".to_owned()))).is_none() {
        assert_eq!(exact, None);
    }
}

fn check_record(document: &str) {
    let Ok(record) = RecordSet::parse(document) else { return };
    assert_eq!(RecordSet::parse(&record.to_json()).ok().as_ref(), Some(&record));
    let made = least_privilege(&record, Options::default());
    assert_eq!(least_privilege(&record, Options::default()), made);
}

/// Whatever was needed is granted, and what has another name is not.
fn check_recorded(action: &str, arn: &str) {
    let is_name = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric());
    let is_action = action.split_once(':').is_some_and(|(service, name)| is_name(service) && is_name(name));
    if !is_action || arn.len() > 1_024 {
        return;
    }
    let arn = format!("arn:aws:s3:::{arn}");
    let need = Need::new(action.to_owned(), Resource::Exact(arn.clone()));
    let mut record = RecordSet::default();
    record.observe(Needed::of(&need), Seen::once(0, None));
    let made = least_privilege(&record, Options::default()).policy.expect("a policy");
    let allow = AllowPolicy::parse(&made.to_json()).expect("what is generated can be read");
    assert_eq!(allow.denial(&need), None);
    for other in ["x", "*", "/"] {
        let other = Resource::Exact(format!("{arn}{other}"));
        assert!(allow.denial(&Need::new(action.to_owned(), other)).is_some());
    }
}
