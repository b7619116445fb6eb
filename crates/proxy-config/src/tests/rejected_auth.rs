//! One row for each way of authenticating that is rejected, with its whole text.

use super::{connection, read, reject};

#[test]
fn methods_and_their_keys() {
    let row = |auth: &str, want: &[&str]| {
        let body = format!("service = \"s3\"\nregion = \"eu-west-1\"\n[connections.a.auth]\n{auth}");
        reject(&connection(&body), want);
    };
    row(
        "",
        &[
            "signing-proxy.toml:4:16: connections.a.auth.method: missing: it selects where the credentials come from; must \
         be \"access-key\", \"access-key-assume-role\", \"managed-cross-account\" or \"default-chain\"",
        ],
    );
    row(
        "method = \"acess-key\"",
        &[
            "signing-proxy.toml:5:1: connections.a.auth.method: must be \"access-key\", \"access-key-assume-role\", \
         \"managed-cross-account\" or \"default-chain\"; did you mean \"access-key\"?",
        ],
    );
    row(
        "method = \"access-key\"\nrole = \"x\"\nprofile = \"y\"\nsecret_access_key = \"keyring:x\"",
        &[
            "signing-proxy.toml:4:16: connections.a.auth.access_key_id: missing: an access key has an id and a secret; \
         must be a credential asset, such as \"env:NAME\" or \"file:PATH\", or the secret itself",
            "signing-proxy.toml:6:1: connections.a.auth.role: does not belong to method \"access-key\", only to \
         \"access-key-assume-role\"",
            "signing-proxy.toml:7:1: connections.a.auth.profile: does not belong to method \"access-key\", only to \
         \"access-key-assume-role\" and \"default-chain\"",
            "signing-proxy.toml:8:1: connections.a.auth.secret_access_key: begins with a scheme that does not exist; \
         there are env:, file:, exec:, vault:, secretsmanager:, ssm: and literal:, and a secret that begins so itself is \
         written literal:TEXT",
        ],
    );
    row(
        "method = \"access-key-assume-role\"\naccess_key_id = \"A K\"\nsecret_access_key = \"a\\nb\"\nsession_duration = \"1m\"\nsession_name = \"x\"\nsession_policy = \"{x}\"",
        &[
            "signing-proxy.toml:4:16: connections.a.auth.role: missing: method \"access-key-assume-role\" needs it; must \
         be a role's name, path/name or ARN, a string",
            "signing-proxy.toml:6:1: connections.a.auth.access_key_id: an access key id is 1 to 128 visible ASCII \
         characters without '/', ',' and '='",
            "signing-proxy.toml:7:1: connections.a.auth.secret_access_key: a secret access key is 1 to 1024 characters \
         without white space and control characters",
            "signing-proxy.toml:8:1: connections.a.auth.session_duration: must be a duration from \"15m\" to \"12h\"",
            "signing-proxy.toml:9:1: connections.a.auth.session_name: a role session name is 2 to 64 of A-Z, a-z, 0-9 \
         and '_+=,.@-'; {connection} and {host} may stand in it",
            "signing-proxy.toml:10:1: connections.a.auth.session_policy: must be JSON: an IAM policy document",
        ],
    );
    row(
        "method = \"default-chain\"\nprofile = \"\"",
        &[
            "signing-proxy.toml:6:1: connections.a.auth.profile: must be the name of a profile of the AWS configuration files",
        ],
    );
}

#[test]
fn a_managed_identity_needs_identity_role_and_external_id() {
    let body = "service = \"s3\"\nregion = \"eu-west-1\"\n[connections.a.auth]\nmethod = \"managed-cross-account\"\n";
    reject(
        &connection(body),
        &[
            "signing-proxy.toml:4:16: connections.a.auth.identity: missing: method \"managed-cross-account\" needs it; \
         must be the name of one of the identities, a string",
            "signing-proxy.toml:4:16: connections.a.auth.role_arn: missing: method \"managed-cross-account\" needs it; \
         must be a role's ARN, a string",
            "signing-proxy.toml:4:16: connections.a.auth.external_id: missing: it prevents one customer's role from being used for another (the confused deputy); must be an External ID, a string",
        ],
    );
    let rest =
        "identity = \"acmee\"\nrole_arn = \"arn:aws:iam::222233334444:user/x\"\nexternal_id = \"!\"\n[identities.acme]";
    reject(
        &connection(&format!("{body}{rest}")),
        &[
            "signing-proxy.toml:6:1: connections.a.auth.identity: must be the name of one of the [identities.NAME]; did \
         you mean acme?",
            "signing-proxy.toml:7:1: connections.a.auth.role_arn: a role ARN has the form \
         arn:PARTITION:iam::ACCOUNT:role/NAME",
            "signing-proxy.toml:8:1: connections.a.auth.external_id: an External ID is 2 to 1224 of A-Z, a-z, 0-9 and \
         '_+=,.@:/-'",
            "signing-proxy.toml:9:13: identities.acme.organisation: missing: a managed identity serves one customer \
         organisation; must be an organisation's name, a string",
            "signing-proxy.toml:9:13: identities.acme.access_key_id: missing: an access key has an id and a secret; must \
         be a credential asset, such as \"env:NAME\" or \"file:PATH\", or the secret itself",
            "signing-proxy.toml:9:13: identities.acme.secret_access_key: missing: an access key has an id and a secret; \
         must be a credential asset, such as \"env:NAME\" or \"file:PATH\", or the secret itself",
        ],
    );
}

/// Two customers, each with an identity and a connection.
fn two_customers(first: &str, second: &str) -> String {
    let customer = |name: &str, lines: &str| {
        format!(
            "[identities.{name}]\norganisation = \"{name}\"\naccess_key_id = \"env:{name}_ID\"\n\
             secret_access_key = \"env:{name}_SECRET\"\n[connections.{name}]\nservice = \"s3\"\n\
             region = \"eu-west-1\"\n[connections.{name}.auth]\nmethod = \"managed-cross-account\"\n\
             identity = \"{name}\"\n{lines}\n"
        )
    };
    customer("acme", first) + &customer("bolt", second)
}

#[test]
fn organisations_are_kept_apart() {
    let own = |id: &str| format!("role_arn = \"arn:aws:iam::222233334444:role/x\"\nexternal_id = \"{id}\"");
    read(&two_customers(&own("id-1"), &own("id-2")), &[]).unwrap();
    reject(
        &two_customers(&own("id-1"), &own("id-1")),
        &[
            "signing-proxy.toml:24:1: connections.bolt.auth.external_id: is also that of connections.acme, of another \
         organisation: each organisation needs an External ID of its own",
        ],
    );
    let shared_key = two_customers(&own("id-1"), &own("id-2")).replace("env:bolt_ID", "env:acme_ID");
    reject(
        &shared_key,
        &[
            "signing-proxy.toml:15:1: identities.bolt.access_key_id: is also the key of identities.acme, of another \
         organisation: each organisation needs an IAM user of its own",
        ],
    );
    // Several connections of one customer may share both.
    let one = two_customers(&own("id-1"), &own("id-1")).replace("organisation = \"bolt\"", "organisation = \"acme\"");
    read(&one, &[]).unwrap();
}

#[test]
fn roles_stay_in_their_partition() {
    let role = "role_arn = \"arn:aws-cn:iam::222233334444:role/x\"\nexternal_id = \"id-1\"";
    let good = role.replace("aws-cn", "aws").replace("id-1", "id-2");
    reject(
        &two_customers(role, &good),
        &[
            "signing-proxy.toml:11:1: connections.acme.auth.role_arn: is a role in another partition than the \
         connection's region; credentials do not cross partitions",
        ],
    );
}

#[test]
fn a_role_for_a_foreign_region_needs_an_sts_endpoint() {
    let body = "service = \"s3\"\nregion = \"garage\"\nendpoint = \"https://host\"\n[connections.a.auth]\n\
                method = \"access-key-assume-role\"\naccess_key_id = \"AK\"\nsecret_access_key = \"S\"\nrole = \"r\"\n";
    reject(
        &connection(body),
        &[
            "signing-proxy.toml:1:14: connections.a.sts_endpoint: missing: the region is none of AWS's, so it has no STS \
         endpoint of its own; must be a URL of scheme, host and port, such as \"https://127.0.0.1:8333\"",
        ],
    );
    read(
        &connection(&format!("{body}[sts]\nendpoint = \"http://localhost\"")),
        &[],
    )
    .unwrap();
}

#[test]
fn unknown_keys_that_belong_further_down() {
    reject(
        "[connections.a]\nservice = \"s3\"\nregion = \"us-east-1\"\naccess_key_id = \"x\"",
        &[
            "signing-proxy.toml:1:14: connections.a.auth: missing: it selects where the credentials come from; add auth.method",
            "signing-proxy.toml:4:1: connections.a.access_key_id: unknown key in [connections.a]; it belongs in \
             [connections.a.auth]",
        ],
    );
}
