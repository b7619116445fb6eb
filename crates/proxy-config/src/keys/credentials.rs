//! `[sts]`, `[assets]` and `[identities.NAME]`: how credentials are obtained.

use super::HOUR;
use super::declare::tables;

/// The methods of `[assets.vault.auth]`.
pub(crate) const VAULT_METHODS: &[&str] = &["token", "approle", "kubernetes"];

tables! {
    /// `[sts]`.
    RawSts {
        /// Where roles are assumed, instead of STS of each connection's region. `http://` sends credentials in the
        /// clear: for emulators on this machine, or with `sts.allow_cleartext`.
        endpoint: Endpoint, note "default: STS of the connection's region", sample "http://127.0.0.1:9600";
        /// Whether `sts.endpoint` may be `http://` beyond this machine: see [cleartext](upstream.md#cleartext).
        allow_cleartext: Boolean = false, note "true lets endpoint be http:// beyond this machine";
        /// AWS's FIPS endpoints of STS. Not beside `sts.endpoint`.
        use_fips: Boolean = false;
        /// For connecting to STS, TLS included.
        connect_timeout: Duration(1..=60) = "3s";
        /// For one STS operation with its retries; a request may wait for it.
        // A request waits behind it: one slow response and one retry fit.
        operation_timeout: Duration(1..=300) = "10s", note "for one operation with its retries";
    }

    /// `[assets]`.
    RawAssets {
        [exec]: RawExec, note r#"programs that print a secret: "exec:PROGRAM ARGUMENTS""#;
        [vault]: RawVault, note r#"Vault or OpenBao: "vault:MOUNT/PATH#FIELD""#;
        [secretsmanager]: RawStore, note r#"AWS Secrets Manager: "secretsmanager:NAME-OR-ARN#/POINTER""#;
        [ssm]: RawStore, note r#"Parameter Store: "ssm:/PARAMETER#/POINTER""#;
    }

    /// `[assets.exec]`.
    RawExec {
        /// How long a program may run.
        // A request may wait behind it.
        timeout: Duration(1..=60) = "10s", note "then the program is killed";
        /// How long its output is used before it is run again. It is run only where a secret is needed: keys of method
        /// `access-key` at most every 10 s while requests come in, those that assume a role once per session.
        cache: Duration(0..=HOUR) = "30s", note "its output is used this long";
        /// Variables that programs get besides those above: `["AWS_PROFILE"]`.
        environment: List("names of variables") = [],
            note r#"variables that programs get besides PATH, HOME and the like: ["AWS_PROFILE"]"#;
    }

    /// `[assets.vault]`.
    RawVault {
        /// Where it is: `"https://vault.internal:8200"`. `http://` sends the token and the secrets in the clear, and
        /// leads beyond this machine only with `assets.vault.allow_cleartext`.
        address: Endpoint, sample "https://vault.internal:8200";
        /// Whether `assets.vault.address` may be `http://` beyond this machine: see [cleartext](upstream.md#cleartext).
        allow_cleartext: Boolean = false, note "true lets address be http:// beyond this machine";
        /// The namespace of every request, the login's included: `"team/a"`.
        namespace: Text("a namespace's path"), sample "team/a";
        /// PEM certificates trusted besides the platform's roots.
        ca_file: Path("a PEM file"), note "trusted besides the platform's roots", sample "vault-ca.pem";
        /// For one request, connecting included.
        timeout: Duration(1..=60) = "10s", note "for one request";
        /// How long a secret is used before it is read again, which is only done where it is needed: see
        /// `assets.exec.cache`. A rotated secret is noticed after this time and 10 s at most, at once where AWS rejects
        /// its predecessor.
        cache: Duration(0..=HOUR) = "30s", note "a secret is used this long before it is read again";
        [auth]: Option<RawVaultAuth>, note "needed beside assets.vault.address";
    }

    /// `[assets.vault.auth]`.
    RawVaultAuth {
        /// How to log in. Required beside `address`.
        method: Choice(VAULT_METHODS), note r#"or "token", "kubernetes""#, sample "approle";
        /// Method `token`: the token, such as an agent's sink, `"file:/run/vault/token"`.
        token: Asset, note r#"method "token""#, sample "file:/run/vault/token", of &["token"];
        /// Method `approle`: the role's id.
        role_id: Asset, sample "env:VAULT_ROLE_ID", of &["approle"];
        /// Method `approle`: its secret; none for a role with `bind_secret_id=false`.
        secret_id: Asset, sample "file:/run/secrets/vault-secret-id", of &["approle"];
        /// Method `kubernetes`: the role's name in the vault.
        role: Text("a role's name"), note r#"method "kubernetes""#, sample "signing-proxy", of &["kubernetes"];
        /// Method `kubernetes`: the service account's token. Where none is given,
        /// `/var/run/secrets/kubernetes.io/serviceaccount/token`.
        jwt_file: Path("a file"),
            note "default: the pod's own", sample "/var/run/secrets/vault/token", of &["kubernetes"];
        /// Methods `approle` and `kubernetes`: where the method is mounted below `auth/`. Where none is given, the
        /// method's own name.
        mount: Text("a mount's path"),
            note "default: the method's name", sample "approle", of &["approle", "kubernetes"];
    }

    /// `[assets.secretsmanager]` and `[assets.ssm]`.
    RawStore {
        /// The connection with whose credentials the store is called: `"keeper"`. The default chain's where none
        /// is given.
        connection: Text("a connection's name"),
            note "whose credentials fetch; default: the default chain's", sample "keeper";
        /// The region of secrets and parameters that are named, not given by ARN. That of `connection` where none is given; required
        /// where there is neither.
        region: Text("a region"), note "default: the connection's", sample "eu-west-1";
        /// Instead of AWS's regional endpoint, for every region: a VPC endpoint, a FIPS endpoint, an emulator.
        endpoint: Endpoint, sample "http://127.0.0.1:4566";
        /// Whether its endpoint may be `http://` beyond this machine: see [cleartext](upstream.md#cleartext).
        allow_cleartext: Boolean = false;
        /// For one request, connecting included.
        timeout: Duration(1..=60) = "10s", note "for one request";
        /// How long a text is used before it is fetched again, which is only done where it is needed: see
        /// `assets.exec.cache`. A rotated secret is noticed after this time and 10 s at most, at once where AWS rejects
        /// its predecessor.
        // Each request to Secrets Manager costs money, and Parameter Store throttles at 40 requests a second in all; a
        // secret that AWS rejects is fetched again at once.
        cache: Duration(0..=HOUR) = "5m", note "a secret is used this long before it is fetched again";
    }

    /// `[identities.NAME]`.
    RawIdentity {
        /// The one customer organisation the identity serves: `"Acme"`, 1 to 256 characters. Required.
        organisation: Text("an organisation's name"), sample "Acme";
        /// The access key of the operator's IAM user. Required.
        access_key_id: Asset, sample "env:ACME_ID";
        /// Its secret. Required.
        secret_access_key: Asset, sample "env:ACME_SECRET";
        /// Only with temporary keys.
        session_token: Asset, sample "env:ACME_TOKEN";
        /// Instead of the three keys above. Two organisations cannot have the same role.
        credentials: Lease, note "instead of the three: keys that a vault leases", sample "vault-aws:aws/creds/acme";
    }
}
