use super::*;
use crate::mapping::{Condition, Unresolved};

fn policy(statements: &str) -> AllowPolicy {
    AllowPolicy::parse(&format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#)).unwrap()
}

fn exact(action: &'static str, arn: &str) -> Need {
    Need::new(action, Resource::Exact(arn.to_owned()))
}

fn pattern(action: &'static str, arn: &str) -> Need {
    Need::new(action, Resource::Pattern(arn.to_owned()))
}

fn unresolved(action: &'static str) -> Need {
    Need::new(action, Resource::Unresolved(Unresolved::Account))
}

const EXPLICIT: Option<Denial> = Some(Denial::Explicit);
const IMPLICIT: Option<Denial> = Some(Denial::Implicit);

#[test]
fn what_is_not_allowed_is_denied() {
    let policy = policy(r#"{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}"#);
    assert_eq!(policy.denial(&exact("s3:GetObject", "arn:aws:s3:::b/k")), None);
    assert_eq!(policy.denial(&exact("s3:GetObject", "arn:aws:s3:::b2/k")), IMPLICIT);
    assert_eq!(policy.denial(&exact("s3:DeleteObject", "arn:aws:s3:::b/k")), IMPLICIT);
    assert_eq!(policy.denial(&exact("s3:GetObject", "arn:aws:s3:::B/k")), IMPLICIT);
}

#[test]
fn what_does_not_show_must_be_allowed_on_something() {
    let mut mapping = Mapping::new("RunInstances");
    mapping
        .hidden
        .push(unresolved("iam:PassRole").with_condition(Condition {
            operator: "StringEquals",
            key: "iam:PassedToService",
            value: "ec2.amazonaws.com".to_owned(),
        }));
    let why = |statements: &str| match policy(statements).decide(&mapping) {
        Decision::Allow => None,
        Decision::Deny { why, .. } => Some(why),
    };
    let pass = |effect: &str, resource: &str, service: &str| {
        format!(
            r#"{{"Effect":"{effect}","Action":"iam:PassRole","Resource":"{resource}","Condition":{{"StringEquals":{{"iam:PassedToService":"{service}"}}}}}}"#
        )
    };
    let role = "arn:aws:iam::111122223333:role/app";
    assert_eq!(why(&pass("Allow", role, "ec2.amazonaws.com")), None);
    assert_eq!(why(&pass("Allow", role, "s3.amazonaws.com")), Some(Denial::Hidden));
    assert_eq!(
        why(r#"{"Effect":"Allow","Action":"ec2:*","Resource":"*"}"#),
        Some(Denial::Hidden)
    );
    let both = |deny: &str| {
        [
            pass("Allow", role, "ec2.amazonaws.com"),
            pass("Deny", deny, "ec2.amazonaws.com"),
        ]
        .join(",")
    };
    assert_eq!(why(&both("*")), EXPLICIT);
    assert_eq!(why(&both("arn:aws:iam::111122223333:role/other")), None);
}

#[test]
fn an_empty_segment_meets_no_statement_that_denies() {
    let mut mapping = Mapping::new("GetObject");
    mapping.required.push(exact("s3:GetObject", "arn:aws:s3:::b//secret/k"));
    mapping.has_empty_segment = true;
    let allow = r#"{"Effect":"Allow","Action":"s3:*","Resource":"*"}"#;
    assert_eq!(policy(allow).decide(&mapping), Decision::Allow);
    let deny = |action: &str| {
        let deny = format!(r#"{allow},{{"Effect":"Deny","Action":"{action}","Resource":"arn:aws:s3:::b/secret/*"}}"#);
        policy(&deny).decide(&mapping) == Decision::Allow
    };
    assert!(!deny("s3:Get*") && deny("s3:Put*"));
}

#[test]
fn actions_have_no_case_and_resources_have() {
    let policy = policy(r#"{"Effect":"Allow","Action":"S3:get*","Resource":"arn:aws:s3:::b/K"}"#);
    assert_eq!(policy.denial(&exact("s3:GetObject", "arn:aws:s3:::b/K")), None);
    assert_eq!(policy.denial(&exact("s3:GetObject", "arn:aws:s3:::b/k")), IMPLICIT);
}

#[test]
fn deny_goes_before_allow() {
    let policy = policy(
        r#"{"Effect":"Allow","Action":"*","Resource":"*"},
           {"Effect":"Deny","Action":"s3:Delete*","Resource":"arn:aws:s3:::b/keep/*"}"#,
    );
    assert_eq!(policy.denial(&exact("s3:DeleteObject", "arn:aws:s3:::b/x")), None);
    assert_eq!(
        policy.denial(&exact("s3:DeleteObject", "arn:aws:s3:::b/keep/x")),
        EXPLICIT
    );
    // Some of it is denied, or may be.
    assert_eq!(policy.denial(&pattern("s3:DeleteObject", "arn:aws:s3:::b/*")), EXPLICIT);
    assert_eq!(policy.denial(&unresolved("s3:DeleteObject")), EXPLICIT);
    assert_eq!(policy.denial(&unresolved("s3:GetObject")), None);
}

#[test]
fn a_literal_star_is_no_wildcard() {
    let policy =
        policy(r#"{"Effect":"Allow","Action":"s3:GetObject","Resource":["arn:aws:s3:::b/${*}","arn:aws:s3:::c/*"]}"#);
    assert_eq!(policy.denial(&exact("s3:GetObject", "arn:aws:s3:::b/*")), None);
    assert_eq!(policy.denial(&exact("s3:GetObject", "arn:aws:s3:::b/x")), IMPLICIT);
    assert_eq!(policy.denial(&pattern("s3:GetObject", "arn:aws:s3:::b/*")), IMPLICIT);
    assert_eq!(policy.denial(&pattern("s3:GetObject", "arn:aws:s3:::b/${*}")), None);
    assert_eq!(policy.denial(&pattern("s3:GetObject", "arn:aws:s3:::c/x*")), None);
    assert_eq!(policy.denial(&exact("s3:GetObject", "arn:aws:s3:::c/*")), None);
}

#[test]
fn only_the_resource_star_covers_what_has_no_resource() {
    let narrow = policy(r#"{"Effect":"Allow","Action":"*","Resource":"arn:aws:ec2:*:*:*"}"#);
    let any = Need::new("ec2:DescribeInstances", Resource::Any);
    assert_eq!(narrow.denial(&any), IMPLICIT);
    assert_eq!(narrow.denial(&unresolved("ec2:RunInstances")), Some(Denial::Unresolved));
    let wide = policy(r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#);
    assert_eq!(wide.denial(&any), None);
    assert_eq!(wide.denial(&unresolved("ec2:RunInstances")), None);
}

#[test]
fn what_is_excluded_is_not_selected() {
    let policy = policy(
        r#"{"Effect":"Allow","NotAction":"s3:Delete*","NotResource":"arn:aws:s3:::secret/*"},
           {"Effect":"Deny","Action":"s3:Put*","NotResource":"arn:aws:s3:::in/*"}"#,
    );
    assert_eq!(policy.denial(&exact("s3:GetObject", "arn:aws:s3:::b/k")), None);
    assert_eq!(policy.denial(&exact("s3:DeleteObject", "arn:aws:s3:::b/k")), IMPLICIT);
    assert_eq!(policy.denial(&exact("s3:GetObject", "arn:aws:s3:::secret/k")), IMPLICIT);
    assert_eq!(policy.denial(&pattern("s3:GetObject", "arn:aws:s3:::*")), IMPLICIT);
    assert_eq!(policy.denial(&unresolved("s3:GetObject")), Some(Denial::Unresolved));
    assert_eq!(policy.denial(&exact("s3:PutObject", "arn:aws:s3:::in/k")), None);
    assert_eq!(policy.denial(&exact("s3:PutObject", "arn:aws:s3:::out/k")), EXPLICIT);
    assert_eq!(policy.denial(&pattern("s3:PutObject", "arn:aws:s3:::in/x*")), None);
    assert_eq!(policy.denial(&unresolved("s3:PutObject")), EXPLICIT);
}

fn with_role(to: &str) -> Need {
    exact("iam:PassRole", "arn:aws:iam::111122223333:role/x").with_condition(Condition {
        operator: "StringEquals",
        key: "iam:PassedToService",
        value: to.to_owned(),
    })
}

#[test]
fn a_condition_holds_by_the_value_that_the_request_gives() {
    let policy = policy(
        r#"{"Effect":"Allow","Action":"iam:PassRole","Resource":"*",
            "Condition":{"StringLike":{"IAM:passedToService":["s3.*","ec2.*"]}}},
           {"Effect":"Deny","Action":"iam:PassRole","Resource":"*",
            "Condition":{"StringEquals":{"iam:PassedToService":"ec2.amazonaws.com"}}}"#,
    );
    assert_eq!(policy.denial(&with_role("s3.amazonaws.com")), None);
    assert_eq!(policy.denial(&with_role("ec2.amazonaws.com")), EXPLICIT);
    assert_eq!(policy.denial(&with_role("x.amazonaws.com")), IMPLICIT);
    // Without a value it may be denied, and is not known to be allowed.
    let without = exact("iam:PassRole", "arn:aws:iam::111122223333:role/x");
    assert_eq!(policy.denial(&without), EXPLICIT);
}

#[test]
fn conditions_that_are_not_evaluated_are_rejected() {
    for (condition, want) in [
        (
            r#"{"Bool":{"aws:SecureTransport":"true"}}"#,
            "condition operator Bool is not supported",
        ),
        (
            r#"{"StringEqualsIfExists":{"s3:prefix":"x"}}"#,
            "condition operator StringEqualsIfExists",
        ),
        (
            r#"{"StringNotEquals":{"s3:prefix":"x"}}"#,
            "condition operator StringNotEquals",
        ),
        (
            r#"{"StringEquals":{"aws:username":"x"}}"#,
            "condition key aws:username is not supported",
        ),
        (
            r#"{"StringEquals":{"s3:prefix":"${aws:username}"}}"#,
            "policy variables",
        ),
    ] {
        let json = format!(
            r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":"*","Resource":"*","Condition":{condition}}}}}"#
        );
        let error = AllowPolicy::parse(&json).unwrap_err().to_string();
        assert!(error.starts_with("statement 1: ") && error.contains(want), "{error}");
    }
}

#[test]
fn everything_that_is_required_must_be_allowed() {
    let policy = policy(r#"{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/*"}"#);
    let mut mapping = Mapping::new("CopyObject");
    assert_eq!(policy.decide(&mapping), Decision::Allow);
    mapping.required.push(exact("s3:PutObject", "arn:aws:s3:::b/k"));
    mapping.advisory.push(exact("s3:PutObject", "arn:aws:s3:::other/k"));
    assert_eq!(policy.decide(&mapping), Decision::Allow);
    mapping.required.push(exact("s3:GetObject", "arn:aws:s3:::other/k"));
    let need = &mapping.required[1];
    let why = Denial::Implicit;
    assert_eq!(policy.decide(&mapping), Decision::Deny { need, why });
}
