//! The configuration for the rows, and what serves them.

use std::fmt::Write as _;

use tokio::net::TcpSocket;

use super::keys::{Issuer, Kind, MARK};
use super::list::Row;
use super::service::{Service, Trust};
use crate::support::process::{Process, knows};

/// Everything that some of the rows need.
pub(super) struct Setup {
    pub(super) proxy: Process,
    pub(super) services: Vec<Service>,
    issuers: Vec<(Kind, Issuer)>,
    _trust: Trust,
    _nobody: TcpSocket,
}

/// Where the keys of a row come from, and how it misbehaves.
fn keys(row: &Row) -> (Option<Kind>, &'static str) {
    let (from, how) = row.keys.split_once(' ').unwrap_or((row.keys, "ok"));
    let kind = match from {
        "static" => None,
        "sts" => Some(Kind::Sts),
        "instance" => Some(Kind::Instance),
        "vault" => Some(Kind::Vault),
        other => panic!("keys {other}"),
    };
    (kind, how)
}

/// Whether the row wants a proxy of its own: the metadata service's address is the whole process's.
pub(super) fn is_alone(row: &Row) -> bool {
    keys(row).0 == Some(Kind::Instance)
}

impl Setup {
    pub(super) async fn start(rows: &[Row]) -> Self {
        let trust = Trust::new();
        let nobody = TcpSocket::new_v4().expect("a socket");
        nobody
            .bind("127.0.0.1:0".parse().expect("an address"))
            .expect("a free port");
        let nobody_at = nobody.local_addr().expect("an address");
        let mut issuers = Vec::new();
        for kind in [Kind::Sts, Kind::Instance, Kind::Vault] {
            let of_kind = rows.iter().filter(|row| keys(row).0 == Some(kind));
            let name = |row: &Row| {
                if kind == Kind::Instance {
                    "instance".to_owned()
                } else {
                    row.name()
                }
            };
            let of_kind = of_kind.map(|row| (name(row), keys(row).1)).collect();
            issuers.push((kind, Issuer::start(kind, of_kind).await));
        }
        let address = |kind| {
            issuers
                .iter()
                .find(|(known, _)| *known == kind)
                .expect("it is started")
                .1
                .address
        };
        let services: Vec<_> = rows.iter().map(|row| Service::start(row, &trust)).collect();
        let knows_retry = knows("max_attempts").await;
        // All of the requests meet a fault, so the budget must not be what is tested here.
        let budget = if knows_retry {
            "[retry]\nbudget_percent = 100\n"
        } else {
            ""
        };
        let mut toml = format!(
            "[server]\nlisten = \"127.0.0.1:0\"\nadmin = \"127.0.0.1:0\"\nthreads = 2\n{budget}[upstream]\nca_file = \"{}\"\n[assets.vault]\naddress = \"http://{}\"\ncache = \"0s\"\ntimeout = \"1s\"\n\
             [assets.vault.auth]\nmethod = \"token\"\ntoken = \"{MARK}\"\n",
            trust.folder.path().join("ca.pem").display(),
            address(Kind::Vault)
        );
        for (row, service) in rows.iter().zip(&services) {
            let sts = if keys(row) == (Some(Kind::Sts), "refused") {
                nobody_at
            } else {
                address(Kind::Sts)
            };
            toml.push_str(&connection(
                row,
                &service.endpoint(),
                &format!("http://{sts}"),
                knows_retry,
            ));
        }
        let instance = match rows {
            [row] if keys(row) == (Some(Kind::Instance), "refused") => nobody_at,
            _ => address(Kind::Instance),
        };
        let variables = [("AWS_EC2_METADATA_SERVICE_ENDPOINT", format!("http://{instance}"))];
        Self {
            proxy: Process::start(&toml, &variables).await,
            services,
            issuers,
            _trust: trust,
            _nobody: nobody,
        }
    }

    /// How often what issues the row's keys has misbehaved; `None` where it does so only after the first time.
    pub(super) fn faults_after_keys(&self, row: &Row) -> Option<usize> {
        let (kind, how) = keys(row);
        if !how.ends_with("-after") && !how.ends_with("-later") {
            return None;
        }
        let (_, issuer) = self.issuers.iter().find(|(known, _)| Some(*known) == kind)?;
        let name = row.name();
        Some(issuer.faults(if kind == Some(Kind::Instance) {
            "instance"
        } else {
            &name
        }))
    }
}

fn connection(row: &Row, endpoint: &str, sts: &str, knows_retry: bool) -> String {
    let name = row.name();
    let mut toml = format!(
        "[connections.{name}]\nservice = \"{}\"\nregion = \"us-east-1\"\nendpoint = \"{endpoint}\"\nsts_endpoint = \"{sts}\"\n\
         [connections.{name}.auth]\n",
        row.request.service
    );
    let auth = match keys(row).0 {
        None => format!(
            "method = \"access-key\"\naccess_key_id = \"AKIAFAULTS{:010}\"\nsecret_access_key = \"literal:{MARK}\"\n",
            row.number
        ),
        Some(Kind::Sts) => format!(
            "method = \"access-key-assume-role\"\naccess_key_id = \"AKIAFAULTS{:010}\"\nsecret_access_key = \
             \"literal:{MARK}\"\nrole = \"arn:aws:iam::111122223333:role/{name}\"\n",
            row.number
        ),
        Some(Kind::Instance) => "method = \"default-chain\"\n".to_owned(),
        Some(Kind::Vault) => format!(
            "method = \"access-key\"\naccess_key_id = \"vault:kv/{name}#id\"\nsecret_access_key = \"vault:kv/{name}#secret\"\n"
        ),
    };
    toml.push_str(&auth);
    // Short only where that time is waited for: elsewhere a busy machine would meet it.
    let times = match row.fault {
        "stall" | "stall-head" | "stall-body" => "response = \"3s\"\nbody_idle = \"3s\"\n",
        "tls-stall" => "connect = \"3s\"\n",
        _ => "",
    };
    let retry = match row.fault {
        _ if !knows_retry => "",
        "listed-503" | "listed-503-later" => "on_status = [503]\n",
        "refused-once" => "max_attempts = 10\n",
        _ => "",
    };
    for (table, lines) in [("timeouts", times), ("retry", retry)] {
        if !lines.is_empty() {
            let _ = write!(toml, "[connections.{name}.{table}]\n{lines}");
        }
    }
    toml
}
