//! Where connections may lead: in the clear, to somebody's own resources, to odd addresses.

use super::{CHAIN, REPORTS, read, reject};

fn of_service(service: &str, more: &str) -> String {
    format!("[connections.a]\nservice = \"{service}\"\nregion = \"us-east-1\"\n{more}\n{CHAIN}")
}

#[track_caller]
fn takes(toml: &str) {
    if let Err(error) = read(toml, &[]) {
        panic!("{error}\n{toml}");
    }
}

fn clear(key: &str, allow: &str) -> String {
    format!(
        "{key}: leads beyond this machine in the clear: bodies, session tokens and secrets could be read in transit; \
         use https://, or set {allow} = true"
    )
}

#[test]
fn in_the_clear_nothing_leaves_the_machine_unless_the_operator_says_so() {
    let vault = "[assets.vault.auth]\nmethod = \"token\"\ntoken = \"env:TOKEN\"\n";
    for (table, key, more) in [
        ("connections.a", "endpoint", ""),
        ("connections.a", "sts_endpoint", ""),
        ("sts", "endpoint", ""),
        ("assets.vault", "address", vault),
        ("assets.secretsmanager", "endpoint", "region = \"us-east-1\"\n"),
        ("assets.ssm", "endpoint", "region = \"us-east-1\"\n"),
    ] {
        let toml = |host: &str, allow: &str| {
            let own = format!("{key} = \"{host}\"\n{allow}{more}");
            match table {
                "connections.a" => of_service("s3", &own),
                _ => format!("[{table}]\n{own}{REPORTS}"),
            }
        };
        for host in [
            "http://192.0.2.1",
            "http://store.internal",
            "http://localhost.example",
            "http://[2001:db8::1]",
        ] {
            let error = read(&toml(host, ""), &[]).unwrap_err().to_string();
            let want = clear(&format!("{table}.{key}"), &format!("{table}.allow_cleartext"));
            assert!(error.ends_with(&want), "{error}");
            takes(&toml(host, "allow_cleartext = true\n"));
            takes(&toml(&host.replace("http:", "https:"), ""));
        }
        for host in [
            "http://127.0.0.1:9000",
            "http://127.9.9.9",
            "http://[::1]:9000",
            "http://localhost:9000",
            "http://store.localhost",
        ] {
            takes(&toml(host, ""));
        }
    }
}

#[test]
fn addresses_are_blocks() {
    takes(&format!(
        "[upstream]\nallow_addresses = [\"127.0.0.0/8\", \"::1\", \"169.254.1.1\"]\n{REPORTS}"
    ));
    reject(
        &format!("[upstream]\nallow_addresses = [\"127.0.0.0/8\", \"localhost\"]\n{REPORTS}"),
        &[
            "signing-proxy.toml:2:1: upstream.allow_addresses: must be addresses or CIDR blocks, such as \
             [\"127.0.0.0/8\", \"::1\"]",
        ],
    );
}

#[test]
fn hosts_are_those_of_the_connections_service_and_region() {
    for (service, hosts) in [
        (
            "lambda",
            r#"["ABC.lambda-url.us-east-1.on.aws", "*.lambda-url.us-east-1.on.aws"]"#,
        ),
        (
            "execute-api",
            r#"["a1b2.execute-api.us-east-1.amazonaws.com", "*.execute-api.us-east-1.amazonaws.com"]"#,
        ),
        (
            "s3",
            r#"["point-999999999999.s3-accesspoint.us-east-1.amazonaws.com", "*.s3-accesspoint.us-east-1.amazonaws.com"]"#,
        ),
        (
            "s3",
            r#"["*.vpce-0ab-cd.s3.us-east-1.vpce.amazonaws.com", "*.s3.us-east-1.vpce.amazonaws.com"]"#,
        ),
        ("s3-control", r#"["999999999999.s3-control.us-east-1.amazonaws.com"]"#),
        (
            "dynamodb",
            r#"["*.ddb.us-east-1.amazonaws.com", "vpce-0ab-cd.dynamodb.us-east-1.vpce.amazonaws.com"]"#,
        ),
        (
            "es",
            r#"["search-x.us-east-1.es.amazonaws.com", "*.aos.us-east-1.on.aws"]"#,
        ),
        ("events", r#"["abc.def.endpoint.events.amazonaws.com"]"#),
    ] {
        takes(&of_service(service, &format!("hosts = {hosts}")));
    }
    for (service, host) in [
        ("lambda", "abc.lambda-url.eu-west-1.on.aws"),
        ("lambda", "abc.execute-api.us-east-1.amazonaws.com"),
        ("lambda", "*.on.aws"),
        ("lambda", "lambda.example.com"),
        ("s3", "*.amazonaws.com"),
        ("s3", "*.lambda-url.us-east-1.on.aws"),
    ] {
        reject(
            &of_service(service, &format!("hosts = [\"{host}\"]")),
            &[&format!(
                "signing-proxy.toml:4:1: connections.a.hosts: holds a host that is none of AWS's for {service} in \
                 us-east-1: the connection would never sign for it"
            )],
        );
    }
    let error = read(&of_service("s3", "hosts = [\"https://a.b\"]"), &[])
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("connections.a.hosts: must be host names without scheme and port"),
        "{error}"
    );
}

#[test]
fn only_buckets_have_owners() {
    takes(&of_service("s3", "expected_bucket_owner = \"account\""));
    reject(
        &of_service("dynamodb", "expected_bucket_owner = \"account\""),
        &["signing-proxy.toml:4:1: connections.a.expected_bucket_owner: only S3 has buckets with an owner: remove it"],
    );
    let error = read(&of_service("s3", "expected_bucket_owner = \"111122223333\""), &[])
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("connections.a.expected_bucket_owner: must be \"account\""),
        "{error}"
    );
}

#[test]
fn lattice_takes_an_unsigned_payload_in_the_clear() {
    for payload in ["auto", "unsigned"] {
        let body = format!(
            "service = \"vpc-lattice-svcs\"\nregion = \"eu-west-1\"\npayload = \"{payload}\"\nendpoint = \"http://localhost\"\n[connections.a.auth]\nmethod = \"default-chain\""
        );
        read(&format!("[connections.a]\n{body}"), &[]).unwrap();
    }
}
