//! What is warned of, and what is not.

use super::{Environment, read};
use crate::{ChainFiles, FlagConnection, Overrides, load};

/// As long as those of AWS.
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

fn warnings(toml: &str) -> Vec<String> {
    read(toml, &[])
        .unwrap_or_else(|error| panic!("{error}\n{toml}"))
        .warnings()
}

/// The only warning begins with the key and has the text in it; none where the text is empty.
#[track_caller]
fn check(toml: &str, key: &str, text: &str) {
    let found = warnings(toml);
    let is_wanted = match found.as_slice() {
        [] => text.is_empty(),
        [one] => !text.is_empty() && one.starts_with(&format!("{key}: ")) && one.contains(text),
        _ => false,
    };
    assert!(is_wanted, "{found:#?}\n{toml}");
}

fn chained(name: &str, service: &str, region: &str, more: &str) -> String {
    format!(
        "[connections.{name}]\nservice = \"{service}\"\nregion = \"{region}\"\n{more}\n[connections.{name}.auth]\nmethod = \
         \"default-chain\"\n"
    )
}

#[test]
fn regions_and_services_that_are_nearly_those_of_aws() {
    let region = "connections.a.region";
    for (written, meant) in [
        ("eu-wst-1", "did you mean eu-west-1?"),
        ("us-east-11", "did you mean us-east-1?"),
        ("eu-moon-42", "none of the regions"),
        ("eu-west-1", ""),
        ("aws-global", ""),
        ("us-gov-west-1", ""),
    ] {
        check(&chained("a", "s3", written, ""), region, meant);
    }
    check(
        &chained("a", "s3", "eu-wst-1", "endpoint = \"https://s3.example\""),
        region,
        "",
    );
    let service = "connections.a.service";
    for (written, meant) in [
        ("bedrok-runtime", "did you mean bedrock-runtime?"),
        ("dynamo-db", "did you mean dynamodb?"),
        ("ses", ""),
        ("not-yet-known-at-all", "none of the services"),
    ] {
        check(&chained("a", written, "eu-west-1", ""), service, meant);
    }
    let own = "endpoint = \"https://s3.example\"";
    check(&chained("a", "not-yet-known-at-all", "eu-west-1", own), service, "");
    check(
        &chained("a", "bedrok-runtime", "eu-west-1", own),
        service,
        "did you mean bedrock-runtime?",
    );
}

#[test]
fn connections_that_sign_for_the_same() {
    let a = chained("a", "s3", "eu-west-1", "");
    let text = "a, b all sign for s3 in eu-west-1";
    check(&(a.clone() + &chained("b", "s3", "eu-west-1", "")), "connections", text);
    check(&(a.clone() + &chained("b", "s3", "eu-west-2", "")), "connections", "");
    check(&(a.clone() + &chained("b", "ec2", "eu-west-1", "")), "connections", "");
    let elsewhere = chained("b", "s3", "eu-west-1", "endpoint = \"https://s3.example\"");
    check(&(a.clone() + &elsewhere), "connections", "");
    let own = chained("b", "s3", "eu-west-1", "listen = \"127.0.0.1:8081\"");
    check(&(a.clone() + &own), "connections", "");
}

#[test]
fn names_that_differ_in_case_alone() {
    let other = |name: &str| chained("reports", "s3", "eu-west-1", "") + &chained(name, "ec2", "eu-west-1", "");
    check(
        &other("Reports"),
        "connections.reports",
        "differs from connections.Reports",
    );
    check(&other("reports2"), "connections.reports", "");
    let dashed = chained("a-b", "s3", "eu-west-1", "") + &chained("a_b", "ec2", "eu-west-1", "");
    check(&dashed, "connections.a_b", "differs from connections.a-b");
}

#[test]
fn secrets_that_are_no_secrets_of_aws_s() {
    let with = |secret: &str, more: &str| {
        format!(
            "[connections.a]\nservice = \"s3\"\nregion = \"eu-west-1\"\n{more}\n[connections.a.auth]\nmethod = \"access-key\"\n\
             access_key_id = \"AKIAIOSFODNN7EXAMPLE\"\nsecret_access_key = \"{secret}\"\n"
        )
    };
    let key = "connections.a.auth.secret_access_key";
    check(&with(SECRET, ""), key, "");
    check(&with("env:NAME", ""), key, "");
    check(&with("short", ""), key, "has 5 characters, and those of AWS have 40");
    // Servers of one's own have others.
    check(&with("short", "endpoint = \"https://s3.example\""), key, "");
    // A VPC endpoint is AWS's.
    let vpc = "endpoint = \"https://bucket.vpce-0a1b2c3d4e5f60718-abcdefgh.s3.eu-west-1.vpce.amazonaws.com\"";
    check(&with("short", vpc), key, "has 5 characters");
    let own = "endpoint = \"https://s3.example\"";
    for written in ["$SECRET", "${SECRET}"] {
        check(&with(written, own), key, "looks like a variable of a shell");
        check(&with(&format!("literal:{written}"), own), key, "");
        // At AWS it is too short, as well.
        assert_eq!(warnings(&with(written, "")).len(), 2);
    }
    let found = warnings(&with("$SECRET", ""));
    assert!(found.iter().all(|warning| !warning.contains("SECRET")), "{found:?}");
}

#[test]
fn keys_that_assume_roles_are_shown_to_sts_alone() {
    let with = |sts: &str, secret: &str| {
        format!(
            "{sts}\n[connections.a]\nservice = \"s3\"\nregion = \"eu-west-1\"\nendpoint = \"https://s3.example\"\n\
             [connections.a.auth]\nmethod = \"access-key-assume-role\"\naccess_key_id = \"AKIAIOSFODNN7EXAMPLE\"\n\
             secret_access_key = \"{secret}\"\nrole = \"r\"\n[identities.acme]\norganisation = \"Acme\"\naccess_key_id = \
             \"AKIAIOSFODNN7EXAMPLE\"\nsecret_access_key = \"{SECRET}\"\n"
        )
    };
    let key = "connections.a.auth.secret_access_key";
    check(&with("", "short"), key, "has 5 characters");
    check(&with("[sts]\nendpoint = \"https://sts.example\"", "short"), key, "");
}

#[test]
fn serve_by_flags_without_a_region_names_the_flag() {
    let overrides = Overrides {
        connection: Some(FlagConnection {
            service: "s3".to_owned(),
            region: None,
            endpoint: None,
        }),
        ..Overrides::default()
    };
    let error = load(&overrides, &Environment::empty(), ChainFiles::none)
        .unwrap_err()
        .to_string();
    let want = "flag --service: connections.default.region: missing: add --region, such as --region eu-west-1, or set AWS_REGION";
    assert!(error.starts_with(want) && error.lines().count() == 1, "{error}");
    let variable: Environment = [("AWS_REGION", "eu-west-1")].into_iter().collect();
    assert!(load(&overrides, &variable, ChainFiles::none).is_ok());
    let key = "SIGNING_PROXY_CONNECTIONS__DEFAULT__REGION";
    let variable: Environment = [(key, "eu-west-1")].into_iter().collect();
    assert!(load(&overrides, &variable, ChainFiles::none).is_ok());
}

#[test]
fn a_scheme_that_does_not_exist_is_an_error() {
    for (written, want) in [
        ("evn:X", "did you mean env:?"),
        ("gcp:x", "there are env:, file:"),
        ("secretsmanger:x", "did you mean secretsmanager:?"),
    ] {
        let toml = format!(
            "[connections.a]\nservice = \"s3\"\nregion = \"eu-west-1\"\n[connections.a.auth]\nmethod = \"access-key\"\n\
             access_key_id = \"AKIAIOSFODNN7EXAMPLE\"\nsecret_access_key = \"{written}\"\n"
        );
        let error = read(&toml, &[]).unwrap_err().to_string();
        assert!(error.contains(want) && error.contains("literal:TEXT"), "{error}");
    }
}

#[test]
fn browsers_that_pass() {
    let key = "server.browsers.mode";
    let store = chained("a", "s3", "eu-west-1", "");
    check(
        &format!("[server.browsers]\nmode = \"pass\"\n{store}"),
        key,
        "only where nothing but a back end reaches",
    );
    check(&format!("[server.browsers]\nmode = \"reject\"\n{store}"), key, "");
}

#[test]
fn a_shutdown_whose_delay_leaves_no_time_for_requests() {
    let key = "server.shutdown_delay";
    let store = chained("a", "s3", "eu-west-1", "");
    for (server, text) in [
        ("shutdown_delay = \"25s\"", "leaves less than a second"),
        ("shutdown_delay = \"24s\"", ""),
        (
            "shutdown_delay = \"4500ms\"\nshutdown_deadline = \"5s\"",
            "leaves less than a second",
        ),
        ("shutdown_deadline = \"0s\"", ""),
        ("shutdown_deadline = \"200ms\"", ""),
    ] {
        check(&format!("[server]\n{server}\n{store}"), key, text);
    }
}
