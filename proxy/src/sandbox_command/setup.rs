//! The proxy in front of the sandbox: a connection for each service, and among them each auth method.

use std::fmt::Write as _;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use auth_model::SystemClock;
use http_server::threads::Threads;
use proxy_config::{Config, Environment};
use proxy_core::metrics::Metrics;
use sandbox::{Sandbox, principals};
use tokio::sync::mpsc;

use super::show::{RecordSender, Shown};
use super::{SandboxCommandError, SandboxOptions};
use crate::app::{Proxy, StartError};

/// Where the proxy listens unless an option says otherwise.
const LISTEN: &str = "127.0.0.1:8080";
const ADMIN: &str = "127.0.0.1:9901";

/// Starts the proxy; also returns what is different from what one would expect.
pub(super) async fn proxy(
    sandbox: &Sandbox,
    options: &SandboxOptions,
    shown: mpsc::Sender<Shown>,
) -> Result<(Proxy, Vec<String>), SandboxCommandError> {
    let listen = options.listen.as_deref().unwrap_or(LISTEN);
    let admin = options.admin.as_deref().unwrap_or(ADMIN);
    // The environment is left out: what the sandbox shows must not depend on it, least of all on HTTP_PROXY.
    let mut config = Config::from_toml(&toml(sandbox, listen, admin), &Environment::empty())?;
    let mut notes = Vec::new();
    loop {
        let sender = Arc::new(RecordSender::new(shown.clone()));
        let started = Proxy::start_observed(
            config.clone(),
            Arc::new(SystemClock),
            Some(sender),
            Threads::default(),
            Metrics::new(),
        )
        .await;
        let error = match started {
            Ok(proxy) => return Ok((proxy, notes)),
            Err(StartError::Bind(error)) if error.source.kind() == io::ErrorKind::AddrInUse => error,
            Err(error) => return Err(error.into()),
        };
        let (address, is_chosen) = match error.key.as_str() {
            "server.listen" => (&mut config.server.listen, options.listen.is_some()),
            _ => (&mut config.server.admin, options.admin.is_some()),
        };
        // A free port is never taken: the second attempt ends the loop.
        if is_chosen || error.addr.port() == 0 {
            return Err(StartError::from(error).into());
        }
        notes.push(format!(
            "{} is taken by another program: {} has a free port instead.",
            error.addr, error.key
        ));
        *address = Some(SocketAddr::new(error.addr.ip(), 0));
    }
}

fn toml(sandbox: &Sandbox, listen: &str, admin: &str) -> String {
    let mut toml = format!(
        r#"
[server]
listen = "{listen}"
admin = "{admin}"
shutdown_deadline = "1s"

[sts]
endpoint = "http://{sts}"

[identities.acme]
organisation = "Acme"
access_key_id = "{acme_id}"
secret_access_key = "literal:{acme_secret}"
"#,
        sts = sandbox.sts(),
        acme_id = principals::ACME_PROXY.access_key_id,
        acme_secret = principals::ACME_PROXY.secret_access_key,
    );
    let rows = [
        ("reports", "s3", "us-east-1", Auth::AccessKey),
        ("robot", "s3", "eu-west-1", Auth::AssumeRole),
        ("whoami", "sts", "us-east-1", Auth::AssumeRole),
        ("machines", "ec2", "us-east-1", Auth::AccessKey),
        ("desktops", "workspaces", "us-east-1", Auth::AssumeRole),
        ("tables", "dynamodb", "us-east-1", Auth::AccessKey),
        ("acme-models", "bedrock-runtime", "us-east-1", Auth::CrossAccount),
    ];
    for (name, service, region, auth) in rows {
        if let Some(address) = sandbox.service(service) {
            // Writing to a String cannot fail.
            let _ = write!(
                toml,
                "\n[connections.{name}]\nservice = \"{service}\"\nregion = \"{region}\"\n\
                 endpoint = \"http://{address}\"\n[connections.{name}.auth]\n{}",
                auth.toml()
            );
        }
    }
    toml
}

enum Auth {
    AccessKey,
    AssumeRole,
    CrossAccount,
}

impl Auth {
    fn toml(&self) -> String {
        let user = match self {
            Self::AccessKey => principals::REPORTER,
            Self::AssumeRole => principals::ROBOT,
            Self::CrossAccount => {
                return format!(
                    "method = \"managed-cross-account\"\nidentity = \"acme\"\nrole_arn = \"{}\"\nexternal_id = \"{}\"\n",
                    principals::FOR_THE_PROXY.arn,
                    principals::FOR_THE_PROXY.external_id.unwrap_or_default(),
                );
            }
        };
        let keys = format!(
            "access_key_id = \"{}\"\nsecret_access_key = \"literal:{}\"\n",
            user.access_key_id, user.secret_access_key
        );
        match self {
            Self::AssumeRole => {
                format!(
                    "method = \"access-key-assume-role\"\n{keys}role = \"team/{}\"\n",
                    principals::REPORT_READER.name
                )
            }
            Self::AccessKey | Self::CrossAccount => format!("method = \"access-key\"\n{keys}"),
        }
    }
}
