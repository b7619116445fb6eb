//! The options of a role's session: what is read, and what is rejected with which words.

use std::fmt::Write as _;

use auth_model::{AssumeRoleOptions, AuthMethod};

use super::{connection, read, reject};
use crate::ConfigError;

/// A connection `a` whose session has these options, from line 9 on.
fn with(options: &str) -> String {
    connection(&format!(
        "service = \"s3\"\nregion = \"eu-west-1\"\n[connections.a.auth]\nmethod = \"access-key-assume-role\"\n\
         access_key_id = \"AK\"\nsecret_access_key = \"S\"\nrole = \"r\"\n{options}"
    ))
}

fn options(options: &str) -> Result<AssumeRoleOptions, ConfigError> {
    let config = read(&with(options), &[])?;
    let connection = config.connections.into_values().next().unwrap();
    match connection.connection.auth {
        AuthMethod::AccessKeyAssumeRole { options, .. } => Ok(options),
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_option_is_read() {
    let read = options(
        "session_name = \"{connection}@x\"\nsession_duration = \"12h\"\nsession_policy = \"{}\"\n\
         session_policy_arns = [\"arn:aws:iam::aws:policy/ReadOnlyAccess\"]\n\
         session_tags = { Team = \"blue\", \"Cost Center.x\" = \"\" }\ntransitive_tag_keys = [\"Team\"]\n\
         source_identity = \"alice@example.com\"\nmfa_serial = \"GAHT12345678\"\nmfa_token = \"file:/run/code\"\n",
    )
    .unwrap();
    assert_eq!(read.session_name.unwrap().as_str(), "a@x");
    assert_eq!(read.duration.unwrap().get().as_secs(), 43_200);
    assert_eq!(read.policy.unwrap().as_str(), "{}");
    assert_eq!(read.policy_arns.as_slice().len(), 1);
    let tags: Vec<_> = read
        .tags
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect();
    assert_eq!(tags, [("Cost Center.x", ""), ("Team", "blue")]);
    assert_eq!(read.tags.transitive()[0].as_str(), "Team");
    assert_eq!(read.source_identity.unwrap().as_str(), "alice@example.com");
    let mfa = read.mfa.unwrap();
    assert_eq!(mfa.serial.as_str(), "GAHT12345678");
    assert_eq!(mfa.code.to_string(), "file:/run/code");
}

#[test]
fn the_machines_name_can_stand_in_the_sessions() {
    let name = options("session_name = \"p.{host}\"").unwrap().session_name.unwrap();
    assert!(
        name.as_str().starts_with("p.") && !name.as_str().contains('{'),
        "{name}"
    );
}

#[test]
fn a_session_policy_may_be_kept_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.json");
    let line = format!("session_policy = \"file:{}\"", path.display());
    let rejection = |content: &str| {
        std::fs::write(&path, content).unwrap();
        options(&line).unwrap_err().to_string()
    };
    assert!(rejection("{x}").ends_with("must be JSON: an IAM policy document"));
    assert!(rejection(&" ".repeat(9_000)).ends_with("a session policy is a JSON object of at most 2048 characters"));
    std::fs::write(&path, "{\"Statement\":[]}\n").unwrap();
    assert_eq!(options(&line).unwrap().policy.unwrap().as_str(), "{\"Statement\":[]}\n");
    std::fs::remove_file(&path).unwrap();
    assert!(options(&line).unwrap_err().to_string().contains("cannot be read: "));
}

#[test]
fn there_are_fifty_tags_and_ten_policies_at_most() {
    let tags = |count| {
        (0..count).fold(String::new(), |mut lines, n| {
            writeln!(lines, "session_tags.k{n} = \"v\"").unwrap();
            lines
        })
    };
    assert_eq!(options(&tags(50)).unwrap().tags.iter().count(), 50);
    reject(
        &with(&tags(51)),
        &["signing-proxy.toml:9:1: connections.a.auth.session_tags: a session has at most 50 tags"],
    );
    let arns = |count| {
        let arns: Vec<_> = (0..count)
            .map(|n| format!("\"arn:aws:iam::aws:policy/p{n}\""))
            .collect();
        format!("session_policy_arns = [{}]", arns.join(", "))
    };
    assert_eq!(options(&arns(10)).unwrap().policy_arns.as_slice().len(), 10);
    reject(
        &with(&arns(11)),
        &["signing-proxy.toml:9:1: connections.a.auth.session_policy_arns: a session has at most 10 managed policies"],
    );
}

#[test]
fn options_that_sts_does_not_take_are_rejected() {
    let row = |line: &str, want: &str| reject(&with(line), &[&format!("signing-proxy.toml:9:{want}")]);
    row(
        "session_name = \"{client}\"",
        "1: connections.a.auth.session_name: {client} cannot stand in a role session name: all clients of a connection \
         share its session",
    );
    row(
        "session_policy_arns = [\"ReadOnlyAccess\"]",
        "1: connections.a.auth.session_policy_arns: a policy ARN has the form arn:PARTITION:iam::ACCOUNT:policy/NAME",
    );
    let value = "a tag's value is up to 256 letters, digits, spaces and '_.:/=+-@'";
    row(
        "session_tags = { Team = \"b*\" }",
        &format!("18: connections.a.auth.session_tags.Team: {value}"),
    );
    row(
        "session_tags.\"aws:x\" = \"b\"",
        "14: connections.a.auth.session_tags.\"aws:x\": a tag's key is 1 to 128 letters, digits, spaces and \
         '_.:/=+-@', and does not begin with aws:",
    );
    row(
        "session_tags = { Team = \"b\", team = \"c\" }",
        "1: connections.a.auth.session_tags: two tags' keys differ in case alone, or one is there twice",
    );
    row(
        "transitive_tag_keys = [\"Team\"]",
        "1: connections.a.auth.transitive_tag_keys: a transitive tag's key is not among the tags",
    );
    row(
        "source_identity = \"a\"",
        "1: connections.a.auth.source_identity: a source identity is 2 to 64 of A-Z, a-z, 0-9 and '_+=,.@-'",
    );
    row(
        "mfa_serial = \"GAHT1234\"\nmfa_token = \"file:/run/code\"",
        "1: connections.a.auth.mfa_serial: an MFA serial is 9 to 256 of A-Z, a-z, 0-9 and '_+=/:,.@-': a device's \
         number or arn:aws:iam::ACCOUNT:mfa/NAME",
    );
}

#[test]
fn a_device_and_its_code_belong_together() {
    reject(
        &with("mfa_serial = \"GAHT12345678\""),
        &[
            "signing-proxy.toml:4:16: connections.a.auth.mfa_token: missing: a device and the code that it shows belong \
           together; must be a credential asset, such as \"env:NAME\" or \"file:PATH\", or the secret itself",
        ],
    );
    for code in ["042137", "env:CODE"] {
        reject(
            &with(&format!("mfa_serial = \"GAHT12345678\"\nmfa_token = \"{code}\"")),
            &[
                "signing-proxy.toml:10:1: connections.a.auth.mfa_token: must come from where it changes, such as \
               file:PATH or exec:PROGRAM: AWS takes each code once",
            ],
        );
    }
}

#[test]
fn other_methods_have_no_session_options() {
    let body = "service = \"s3\"\nregion = \"eu-west-1\"\n[connections.a.auth]\nmethod = \"default-chain\"\n";
    reject(
        &connection(&format!("{body}session_tags.a = \"b\"\nsource_identity = \"ab\"\n")),
        &[
            "signing-proxy.toml:6:1: connections.a.auth.session_tags: does not belong to method \"default-chain\", only \
             to \"access-key-assume-role\" and \"managed-cross-account\"",
            "signing-proxy.toml:7:1: connections.a.auth.source_identity: does not belong to method \"default-chain\", \
             only to \"access-key-assume-role\" and \"managed-cross-account\"",
        ],
    );
}
