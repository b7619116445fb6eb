//! What assumes which roles, and where: what is read, and what is rejected with which words.

use auth_model::{AuthMethod, BaseKeys, RunsOn};

use super::{connection, read, reject};

const KEYS: &str = "access_key_id = \"AK\"\nsecret_access_key = \"S\"\n";

/// A connection `a` of method `access-key-assume-role`, with these lines from line 6 on.
fn with(lines: &str) -> String {
    connection(&format!(
        "service = \"s3\"\nregion = \"eu-west-1\"\n[connections.a.auth]\nmethod = \"access-key-assume-role\"\n{lines}\n"
    ))
}

/// What the lines are read as: base, roles and whether an EC2 instance is needed.
fn shown(lines: &str) -> String {
    let config = read(&with(lines), &[]).unwrap();
    let connection = config.connections.into_values().next().unwrap();
    let AuthMethod::AccessKeyAssumeRole {
        base, roles, runs_on, ..
    } = connection.connection.auth
    else {
        panic!("another method");
    };
    let base = match base {
        BaseKeys::Assets(_) => "keys".to_owned(),
        BaseKeys::DefaultChain { profile } => format!("chain {}", profile.as_deref().unwrap_or("-")),
    };
    format!(
        "{base}: {roles}{}",
        if runs_on == RunsOn::InstanceOfRole {
            " on EC2"
        } else {
            ""
        }
    )
}

#[test]
fn a_role_has_a_source_and_may_have_a_chain_and_a_place() {
    assert_eq!(shown(&format!("{KEYS}role = \"r\"")), "keys: r");
    assert_eq!(
        shown(&format!("{KEYS}role = \"r\"\nsource = \"keys\"\nrequire_ec2 = false")),
        "keys: r"
    );
    assert_eq!(
        shown(&format!(
            "{KEYS}roles = [\"a\", \"team/b\", \"arn:aws:iam::222233334444:role/c\"]"
        )),
        "keys: a > team/b > arn:aws:iam::222233334444:role/c"
    );
    let chain = "source = \"default-chain\"\n";
    assert_eq!(shown(&format!("{chain}role = \"r\"\nprofile = \"p\"")), "chain p: r");
    assert_eq!(
        shown(&format!("{chain}role = \"r\"\nrequire_ec2 = true")),
        "chain -: r on EC2"
    );
    assert_eq!(
        shown(&format!(
            "{chain}roles = [\"r\", \"s\"]\nrequire_ec2 = true\nsession_duration = \"1h\""
        )),
        "chain -: r > s on EC2"
    );
}

#[test]
fn contradictions_are_rejected() {
    let row = |lines: &str, want: &str| reject(&with(lines), &[&format!("signing-proxy.toml:{want}")]);
    row(
        "source = \"default-chian\"\nrole = \"r\"",
        "6:1: connections.a.auth.source: must be \"keys\" or \"default-chain\"; did you mean \"default-chain\"?",
    );
    row(
        "source = \"default-chain\"\nrole = \"r\"\naccess_key_id = \"AK\"",
        "8:1: connections.a.auth.access_key_id: has no effect beside source = \"default-chain\": remove one of them",
    );
    row(
        &format!("{KEYS}role = \"r\"\nprofile = \"p\""),
        "9:1: connections.a.auth.profile: belongs to source = \"default-chain\" only",
    );
    row(
        &format!("{KEYS}role = \"r\"\nroles = [\"r\"]"),
        "9:1: connections.a.auth.roles: has no effect beside role: remove one of them",
    );
    row(
        &format!("{KEYS}roles = []"),
        "8:1: connections.a.auth.roles: a role is needed at the least",
    );
    row(
        &format!("{KEYS}roles = [\"a\", \"arn:aws-cn:iam::222233334444:role/c\"]"),
        "8:1: connections.a.auth.roles: is a role in another partition than the connection's region; credentials do \
         not cross partitions",
    );
}

#[test]
fn chained_sessions_live_for_an_hour_at_most() {
    let chain = |duration: &str| {
        with(&format!(
            "{KEYS}roles = [\"a\", \"b\"]\nsession_duration = \"{duration}\""
        ))
    };
    read(&chain("1h"), &[]).unwrap();
    reject(
        &chain("1h 1s"),
        &[
            "signing-proxy.toml:9:1: connections.a.auth.session_duration: a role that is assumed with another role's \
           session lives for an hour at most",
        ],
    );
}

#[test]
fn an_instances_own_session_is_as_it_is() {
    let own = "source = \"default-chain\"\nrequire_ec2 = true\nrole = \"r\"\n";
    reject(
        &with(&format!("{own}source_identity = \"ab\"")),
        &[
            "signing-proxy.toml:9:1: connections.a.auth.source_identity: the instance's own session is used, which takes \
           no options",
        ],
    );
    reject(
        &with(&format!("{own}profile = \"p\"")),
        &["signing-proxy.toml:9:1: connections.a.auth.profile: the instance's own role is used, so no profile is"],
    );
}
