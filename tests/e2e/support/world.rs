//! The sandbox and a proxy before it, with one connection for each thing a test may want.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;

use proxy_config::Config;
use sandbox::principals::{ACME_PROXY, FOR_THE_PROXY, REPORT_READER, REPORTER, ROBOT};
use sandbox::{Events, Outcome, Reason, Sandbox, SandboxSettings, StreamGate, VerifiedRequest};
use signing_proxy::app::Proxy;

use super::Wire;

/// Everything a test connects to. The proxy's connections are `METHOD-SERVICE`, see [`METHODS`].
pub(crate) struct World {
    pub(crate) sandbox: Sandbox,
    pub(crate) proxy: Proxy,
    /// What the sandbox has verified since the start.
    pub(crate) events: Events,
}

/// The services of the sandbox that are called through the proxy.
pub(crate) const SERVICES: [&str; 6] = ["s3", "ec2", "workspaces", "bedrock-runtime", "dynamodb", "sts"];

/// Auth methods by name, as TOML.
pub(crate) fn methods() -> Vec<(&'static str, String)> {
    let keys = |user: &sandbox::principals::FakeUser| {
        format!(
            "access_key_id = \"{}\"\nsecret_access_key = \"{}\"\n",
            user.access_key_id, user.secret_access_key
        )
    };
    let by_role = |user, role: &str| format!("method = \"access-key-assume-role\"\n{}role = \"{role}\"\n", keys(user));
    let managed = |external_id: &str| {
        let role = FOR_THE_PROXY.arn;
        format!(
            "method = \"managed-cross-account\"\nidentity = \"acme\"\nrole_arn = \"{role}\"\nexternal_id = \"{external_id}\"\n"
        )
    };
    vec![
        ("keys", format!("method = \"access-key\"\n{}", keys(&REPORTER))),
        ("role-name", by_role(&ROBOT, "team/report-reader")),
        ("role-arn", by_role(&ROBOT, REPORT_READER.arn)),
        (
            "managed",
            managed(FOR_THE_PROXY.external_id.expect("the customer's role demands one")),
        ),
        ("wrong-id", managed("not-the-id-that-was-agreed")),
        // The one way to leave the External ID out: the configuration demands it of `managed-cross-account`.
        ("no-id", by_role(&ACME_PROXY, FOR_THE_PROXY.arn)),
        ("no-role", by_role(&ROBOT, "there-is-no-such-role")),
        (
            "wrong-secret",
            format!(
                "method = \"access-key\"\naccess_key_id = \"{}\"\nsecret_access_key = \"wrong\"\n",
                REPORTER.access_key_id
            ),
        ),
    ]
}

impl World {
    /// Every method with every service, over plain HTTP.
    pub(crate) async fn start() -> Self {
        let sandbox = sandbox().await;
        let (key, secret) = (ACME_PROXY.access_key_id, ACME_PROXY.secret_access_key);
        let mut connections = format!(
            "[identities.acme]\norganisation = \"Acme\"\naccess_key_id = \"{key}\"\nsecret_access_key = \"{secret}\"\n"
        );
        for (method, auth) in methods() {
            for service in SERVICES {
                let endpoint = sandbox.service(service).expect("a service of the sandbox");
                // Writing to a String cannot fail.
                let _ = write!(
                    connections,
                    "[connections.{method}-{service}]\nservice = \"{service}\"\nregion = \"us-east-1\"\n\
                     endpoint = \"http://{endpoint}\"\n[connections.{method}-{service}.auth]\n{auth}"
                );
            }
        }
        Self::with(sandbox, &connections).await
    }

    /// The sandbox with one connection `store` to its S3.
    pub(crate) async fn with_store() -> Self {
        Self::with_one("store", "s3", "").await
    }

    /// The sandbox with one connection `models` to its Bedrock runtime.
    pub(crate) async fn with_models() -> Self {
        Self::with_one("models", "bedrock-runtime", "").await
    }

    /// The sandbox with one connection of this name; `more` are further keys of its table.
    pub(crate) async fn with_one(name: &str, service: &str, more: &str) -> Self {
        Self::over(false, service, |endpoint| connection(name, service, endpoint, more)).await
    }

    /// The sandbox, with or without TLS, and the connections that there are to the endpoint of this service.
    pub(crate) async fn over(is_tls: bool, service: &str, connections: impl FnOnce(&str) -> String) -> Self {
        let sandbox = sandbox_over(is_tls).await;
        // The proxy reads the certificate when it starts, and not again.
        let folder = tempfile::tempdir().expect("a folder");
        let ca_file = folder.path().join("ca.pem");
        let (scheme, upstream) = match sandbox.ca_pem() {
            Some(pem) => {
                std::fs::write(&ca_file, pem).expect("written");
                ("https", upstream_trusting(&ca_file))
            }
            None => ("http", String::new()),
        };
        let address = sandbox.service(service).expect("a service of the sandbox");
        let connections = connections(&format!("{scheme}://{address}"));
        Self::with(sandbox, &(upstream + &connections)).await
    }

    /// The given connections.
    pub(crate) async fn with(sandbox: Sandbox, connections: &str) -> Self {
        // One client may have all connections but the reserve, and a test opens 1,000 of them at once.
        let proxy = proxy(&format!(
            "max_clients = 2048\n[sts]\nendpoint = \"http://{}\"\n{connections}",
            sandbox.sts()
        ))
        .await;
        let events = sandbox.events();
        Self { sandbox, proxy, events }
    }

    /// The shared listener.
    pub(crate) fn address(&self) -> SocketAddr {
        self.proxy.addr().expect("a shared listener")
    }

    /// A client of [`with_models`](Self::with_models) that has got the first piece of a streamed response, and what holds
    /// the next one back.
    pub(crate) async fn held_stream(&self) -> (Wire, StreamGate) {
        let gate = self.sandbox.stream_gate();
        gate.hold();
        let mut wire = Wire::connect(self.address()).await;
        wire.send(streamed_question()).await;
        assert_eq!(wire.head().await.0, 200);
        wire.chunk().await;
        (wire, gate)
    }

    /// The one request the sandbox's service has verified since the last look.
    #[track_caller]
    pub(crate) fn verified(&mut self, service: &str) -> VerifiedRequest {
        let mut found: Vec<_> = self
            .events
            .drain()
            .into_iter()
            .filter(|event| event.service == service)
            .collect();
        assert_eq!(found.len(), 1, "{found:#?}");
        found.remove(0)
    }

    /// As [`World::verified`], which must have been accepted.
    #[track_caller]
    pub(crate) fn accepted(&mut self, service: &str) -> VerifiedRequest {
        let event = self.verified(service);
        assert!(event.is_accepted(), "{event:#?}");
        event
    }
}

/// The sandbox over plain HTTP, with nothing set.
pub(crate) async fn sandbox() -> Sandbox {
    sandbox_over(false).await
}

/// The sandbox over HTTPS or plain HTTP.
pub(crate) async fn sandbox_over(is_tls: bool) -> Sandbox {
    let settings = SandboxSettings {
        tls: is_tls,
        ..SandboxSettings::default()
    };
    Sandbox::start(settings).await.expect("the sandbox starts")
}

/// Whether the signature was found right, whatever became of the request afterwards.
pub(crate) fn is_well_signed(event: &VerifiedRequest) -> bool {
    match &event.outcome {
        Outcome::Accepted => true,
        // `Unavailable`: its file system cannot hold such a key, which shows after the signature was checked.
        Outcome::Rejected { reason, .. } => {
            matches!(
                reason,
                Reason::BadRequest | Reason::AccessDenied | Reason::TooLarge | Reason::Unavailable
            )
        }
    }
}

/// A connection signed with [`REPORTER`]'s keys; `more` are further keys of its table.
pub(crate) fn connection(name: &str, service: &str, endpoint: &str, more: &str) -> String {
    let (key, secret) = (REPORTER.access_key_id, REPORTER.secret_access_key);
    format!(
        "[connections.{name}]\nservice = \"{service}\"\nregion = \"us-east-1\"\nendpoint = \"{endpoint}\"\n{more}\n\
         [connections.{name}.auth]\nmethod = \"access-key\"\naccess_key_id = \"{key}\"\nsecret_access_key = \"{secret}\"\n"
    )
}

/// `[upstream]` with a file of certificates that are trusted besides the platform's.
pub(crate) fn upstream_trusting(ca_file: &Path) -> String {
    format!("[upstream]\nca_file = {ca_file:?}\n")
}

/// The S3 connection `c`, signed with a role's session that the sandbox's STS issues.
pub(crate) fn by_role(sandbox: &Sandbox, endpoint: &str) -> String {
    format!(
        "[sts]\nendpoint = \"http://{}\"\n[connections.c]\nservice = \"s3\"\nregion = \"us-east-1\"\n\
         endpoint = \"{endpoint}\"\n[connections.c.auth]\nmethod = \"access-key-assume-role\"\nrole = \"{}\"\n\
         access_key_id = \"{}\"\nsecret_access_key = \"literal:{}\"\n",
        sandbox.sts(),
        REPORT_READER.arn,
        ROBOT.access_key_id,
        ROBOT.secret_access_key
    )
}

/// A proxy on free ports. `toml` is everything but `[server]`'s listeners; it may begin with further keys of `[server]`.
pub(crate) async fn proxy(toml: &str) -> Proxy {
    let toml = format!("[server]\nlisten = \"127.0.0.1:0\"\nadmin = \"127.0.0.1:0\"\n{toml}");
    crate::secrets::log_if_requested();
    let config = Config::from_toml(&toml, &crate::support::environment()).unwrap_or_else(|error| panic!("{error}"));
    Proxy::start(config).await.expect("the proxy starts")
}

/// A streamed question to [`connection`] of Bedrock runtime.
pub(crate) fn streamed_question() -> String {
    let body = "{\"prompt\":\"one two three\"}";
    format!(
        "POST /model/acme.words-v1%3A0/invoke-with-response-stream HTTP/1.1\r\nHost: localhost\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}
