use crate::mapping::test_request::test_request;

const HOST: &str = "sts.eu-west-1.amazonaws.com";
const ROLE: &str = "arn:aws:iam::444455556666:role/team/app";

#[track_caller]
fn check(form: &str, want: &[&str]) {
    test_request(&format!("GET {HOST}/?{form}")).is(want);
    test_request(&format!("POST {HOST}/")).with_body(form).is(want);
}

#[track_caller]
fn rejected(form: &str, want: &str) {
    test_request(&format!("POST {HOST}/")).with_body(form).is_rejected(want);
}

#[test]
fn who_am_i_needs_nothing() {
    check("Action=GetCallerIdentity&Version=2011-06-15", &[]);
    check("Action=GetSessionToken", &["sts:GetSessionToken *"]);
}

#[test]
fn a_role_is_named_by_its_arn() {
    check(
        &format!("Action=AssumeRole&RoleArn={ROLE}&RoleSessionName=s"),
        &[&format!("sts:AssumeRole {ROLE}")],
    );
    check(
        &format!("Action=AssumeRole&RoleArn={ROLE}&Tags.member.1.Key=k&Tags.member.1.Value=v&SourceIdentity=x"),
        &[
            &format!("sts:AssumeRole {ROLE}"),
            &format!("sts:TagSession {ROLE}"),
            &format!("sts:SetSourceIdentity {ROLE}"),
        ],
    );
    check("Action=AssumeRole", &["sts:AssumeRole ?"]);
    check(
        &format!("Action=AssumeRoleWithWebIdentity&RoleArn={ROLE}"),
        &[&format!("sts:AssumeRoleWithWebIdentity {ROLE}")],
    );
    rejected("Action=AssumeRole&RoleArn=*", "RoleArn");
    rejected("Action=AssumeRole&RoleArn=arn:aws:iam::444455556666:role/*", "RoleArn");
    rejected(&format!("Action=AssumeRole&RoleArn={ROLE}&RoleArn={ROLE}"), "twice");
    rejected(&format!("Action=AssumeRole&RoleArn={ROLE}&roleArn={ROLE}"), "twice");
    rejected(&format!("Action=AssumeRole&rolearn={ROLE}"), "another case");
}

#[test]
fn others_name_a_user_an_account_or_nothing() {
    check(
        "Action=GetFederationToken&Name=bob",
        &["sts:GetFederationToken arn:aws:sts::111122223333:federated-user/bob"],
    );
    test_request(&format!("GET {HOST}/?Action=GetFederationToken&Name=bob"))
        .without_account()
        .is(&["sts:GetFederationToken ?"]);
    rejected("Action=GetFederationToken&Name=*", "Name");
    check(
        "Action=AssumeRoot&TargetPrincipal=444455556666",
        &["sts:AssumeRoot arn:aws:iam::444455556666:root"],
    );
    check(
        "Action=DecodeAuthorizationMessage&EncodedMessage=x",
        &["sts:DecodeAuthorizationMessage *"],
    );
    rejected("Action=GetSecret", "Action");
    rejected("", "without Action");
}
