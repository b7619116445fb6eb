//! AWS's secret stores and leased keys: what fits together, and dependency cycles.

use auth_model::{AuthMethod, KeyAssets};

use super::{REPORTS, read, reject};

const VAULT: &str = "[assets.vault]\naddress = \"https://vault.internal:8200\"\n[assets.vault.auth]\n\
                     method = \"token\"\ntoken = \"env:TOKEN\"\n";

/// A connection whose secret is this asset.
fn connection(name: &str, secret: &str) -> String {
    format!(
        "[connections.{name}]\nservice = \"s3\"\nregion = \"eu-west-1\"\n[connections.{name}.auth]\n\
         method = \"access-key\"\naccess_key_id = \"AK\"\nsecret_access_key = \"{secret}\"\n"
    )
}

#[test]
fn a_store_is_called_with_a_connection_or_the_default_chain() {
    let reports = REPORTS.replace("env:REPORTS_SECRET", "ssm:/prod/aws#/secret");
    let with_chain = read(&format!("[assets.ssm]\nregion = \"eu-central-1\"\n{reports}"), &[]).unwrap();
    let store = &with_chain.assets.stores["ssm"];
    assert_eq!(
        (store.connection.as_ref(), store.region.as_str()),
        (None, "eu-central-1")
    );
    assert_eq!((store.timeout.as_secs(), store.cache.as_secs()), (10, 300));
    assert!(!with_chain.assets.stores.contains_key("secretsmanager"));

    let keeper = connection("keeper", "env:SECRET");
    let with_keeper = read(
        &format!("[assets.ssm]\nconnection = \"keeper\"\n{reports}{keeper}"),
        &[],
    )
    .unwrap();
    let store = &with_keeper.assets.stores["ssm"];
    assert_eq!(
        store.connection.as_ref().map(ToString::to_string),
        Some("keeper".to_owned())
    );
    assert_eq!(store.region.as_str(), "eu-west-1");
}

#[test]
fn what_does_not_fit_is_named() {
    let reports = REPORTS.replace("env:REPORTS_SECRET", "secretsmanager:prod/aws");
    reject(
        &reports,
        &[
            "signing-proxy.toml:8:1: connections.reports.auth.secret_access_key: is stored on a server that is not configured: set assets.secretsmanager.region or assets.secretsmanager.connection",
        ],
    );
    reject(
        &format!("[assets.secretsmanager]\nconnection = \"report\"\n{REPORTS}"),
        &[
            "signing-proxy.toml:2:1: assets.secretsmanager.connection: must be the name of one of the \
             [connections.NAME]; did you mean reports?",
        ],
    );
    reject(
        &format!(
            "[assets.ssm]\nregion = \"garage\"\n[assets.secretsmanager]\nendpoint = \"http://localhost\"\n{REPORTS}"
        ),
        &[
            "signing-proxy.toml:2:1: assets.ssm.region: leads to a region that is none of AWS's: set the store's region, \
             or its endpoint for a server that is not AWS's",
            "signing-proxy.toml:3:9: assets.secretsmanager.region: missing: requests to the store are signed for it; must \
             be a region, a string",
        ],
    );
    read(
        &format!("[assets.ssm]\nregion = \"garage\"\nendpoint = \"http://localhost\"\n{REPORTS}"),
        &[],
    )
    .unwrap();
    let arn = "secretsmanager:arn:aws-cn:secretsmanager:cn-north-1:111122223333:secret:a";
    reject(
        &format!(
            "[assets.secretsmanager]\nregion = \"eu-west-1\"\n{}",
            connection("a", arn)
        ),
        &[
            "signing-proxy.toml:6:16: connections.a.auth: secretsmanager:arn:aws-cn:secretsmanager:cn-north-1:\
             111122223333:secret:a is in another partition than assets.secretsmanager's region, eu-west-1: credentials \
             do not cross partitions",
        ],
    );
    reject(
        &format!(
            "[assets.ssm]\nregion = \"eu-west-1\"\n{}{REPORTS}",
            VAULT.replace("env:TOKEN", "ssm:/token")
        ),
        &[
            "signing-proxy.toml:7:1: assets.vault.auth.token: cannot be stored in an AWS secret store: the store's \
             credentials may come from the vault",
        ],
    );
}

#[test]
fn credentials_that_come_from_a_secret_fetched_with_themselves_are_rejected() {
    let own =
        |asset: &str, setting: &str| format!("[assets.{setting}]\nconnection = \"a\"\n{}", connection("a", asset));
    reject(
        &own("ssm:/a", "ssm"),
        &[
            "signing-proxy.toml:2:1: assets.ssm.connection: leads back to itself: connections.a has credentials of ssm:; \
             use a connection whose credentials are stored elsewhere, or none for the default chain",
        ],
    );
    let ring = format!(
        "[assets.ssm]\nconnection = \"a\"\n[assets.secretsmanager]\nconnection = \"b\"\n{}{}{}",
        connection("a", "secretsmanager:x"),
        connection("b", "ssm:/x"),
        connection("c", "ssm:/y"),
    );
    let remedy = "use a connection whose credentials are stored elsewhere, or none for the default chain";
    reject(
        &ring,
        &[
            &format!(
                "signing-proxy.toml:2:1: assets.ssm.connection: leads back to itself: connections.a has credentials of \
                 secretsmanager:, which is called with connections.b, connections.b has credentials of ssm:; {remedy}"
            ),
            &format!(
                "signing-proxy.toml:4:1: assets.secretsmanager.connection: leads back to itself: connections.b has \
                 credentials of ssm:, which is called with connections.a, connections.a has credentials of \
                 secretsmanager:; {remedy}"
            ),
        ],
    );
    // One store behind the other is no ring.
    let chain = ring.replace("secret_access_key = \"ssm:/x\"", "secret_access_key = \"env:X\"");
    read(&chain, &[]).unwrap();
}

#[test]
fn leased_keys_stand_alone_and_need_a_vault() {
    let leased = "[connections.a]\nservice = \"s3\"\nregion = \"eu-west-1\"\n[connections.a.auth]\n\
                  method = \"access-key\"\ncredentials = \"vault-aws:aws/creds/deploy\"\n";
    let config = read(&format!("{VAULT}{leased}"), &[]).unwrap();
    let auth = &config.connections.values().next().unwrap().connection.auth;
    assert!(
        matches!(auth, AuthMethod::AccessKey { keys: KeyAssets::Leased(key) } if key.to_string() == "vault-aws:aws/creds/deploy")
    );
    reject(
        leased,
        &[
            "signing-proxy.toml:6:1: connections.a.auth.credentials: is stored on a server that is not configured: \
             set assets.vault.address",
        ],
    );
    reject(
        &format!("{VAULT}{leased}access_key_id = \"AK\"\nsession_token = \"env:T\"\n"),
        &[
            "signing-proxy.toml:12:1: connections.a.auth.access_key_id: has no effect beside credentials: remove one of \
             them",
            "signing-proxy.toml:13:1: connections.a.auth.session_token: has no effect beside credentials: remove one of \
             them",
        ],
    );
    reject(
        &format!(
            "{VAULT}{}",
            leased.replace("vault-aws:aws/creds/deploy", "wJalrXUtnFEMI")
        ),
        &[
            "signing-proxy.toml:11:1: connections.a.auth.credentials: must be a reference that gives a whole key, such as \
             vault-aws:aws/creds/deploy",
        ],
    );
    reject(
        &format!("{VAULT}{}", connection("a", "vault-aws:aws/creds/deploy")),
        &[
            "signing-proxy.toml:12:1: connections.a.auth.secret_access_key: vault-aws: gives a whole key: write \
             credentials = \"vault-aws:...\" instead of the key's parts",
        ],
    );
    let chain = leased.replace("access-key", "access-key-assume-role");
    reject(
        &format!("{VAULT}{chain}role = \"r\"\nsource = \"default-chain\"\n"),
        &[
            "signing-proxy.toml:11:1: connections.a.auth.credentials: has no effect beside source = \"default-chain\": \
             remove one of them",
        ],
    );
    read(&format!("{VAULT}{chain}role = \"r\"\n"), &[]).unwrap();
}

#[test]
fn organisations_do_not_share_a_role_that_makes_users() {
    let customer = |name: &str, role: &str| {
        format!(
            "[identities.{name}]\norganisation = \"{name}\"\ncredentials = \"vault-aws:aws/creds/{role}\"\n\
             [connections.{name}]\nservice = \"s3\"\nregion = \"eu-west-1\"\n[connections.{name}.auth]\n\
             method = \"managed-cross-account\"\nidentity = \"{name}\"\n\
             role_arn = \"arn:aws:iam::222233334444:role/x\"\nexternal_id = \"id-{name}\"\n"
        )
    };
    read(
        &format!("{VAULT}{}{}", customer("acme", "a"), customer("bolt", "b")),
        &[],
    )
    .unwrap();
    reject(
        &format!("{VAULT}{}{}", customer("acme", "a"), customer("bolt", "a")),
        &[
            "signing-proxy.toml:19:1: identities.bolt.credentials: is also the key of identities.acme, of another \
             organisation: each organisation needs an IAM user of its own",
        ],
    );
}
