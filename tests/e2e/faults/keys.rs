//! An STS, a metadata service and a vault that misbehave on a script.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use auth_model::{Clock as _, SystemClock};
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::http1::drain;

/// Parts of everything that is secret here.
pub(super) const MARK: &str = "canary";

/// One that issues keys, for all rows.
#[derive(Clone, Debug)]
pub(super) struct Issuer {
    pub(super) address: SocketAddr,
    /// By row: what it does, and how often it was called.
    calls: Arc<Mutex<HashMap<String, Calls>>>,
}

#[derive(Clone, Debug)]
struct Calls {
    script: &'static str,
    count: usize,
    faults: usize,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    Sts,
    Instance,
    Vault,
}

impl Issuer {
    /// `rows`: names, and what it does to each of them.
    pub(super) async fn start(kind: Kind, rows: Vec<(String, &'static str)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let calls = rows.into_iter().map(|(row, script)| {
            let calls = Calls {
                script,
                count: 0,
                faults: 0,
            };
            (row, calls)
        });
        let issuer = Self {
            address,
            calls: Arc::new(Mutex::new(calls.collect())),
        };
        tokio::spawn({
            let issuer = issuer.clone();
            async move {
                while let Ok((socket, _)) = listener.accept().await {
                    let issuer = issuer.clone();
                    tokio::spawn(async move { issuer.serve(socket, kind).await });
                }
            }
        });
        issuer
    }

    /// How many calls for this row have met its fault.
    pub(super) fn faults(&self, row: &str) -> usize {
        self.calls.lock().expect("no panic")[row].faults
    }

    /// What this call meets: `None` where nothing is wrong.
    fn call(&self, row: &str, counts: bool) -> (usize, Option<&'static str>) {
        let mut calls = self.calls.lock().expect("no panic");
        let calls = calls.get_mut(row).unwrap_or_else(|| panic!("no row {row}"));
        calls.count += usize::from(counts);
        let (script, count) = (calls.script, calls.count);
        let is_met = |name: &'static str, when: bool| when.then_some(name);
        let fault = if let Some(name) = script.strip_suffix("-once-later") {
            is_met(name, counts && count == 2)
        } else if let Some(name) = script.strip_suffix("-once") {
            is_met(name, counts && count == 1)
        } else if let Some(name) = script.strip_suffix("-after") {
            is_met(name, counts && count > 1)
        } else {
            is_met(script, script != "ok")
        };
        calls.faults += usize::from(fault.is_some());
        (count, fault)
    }

    async fn serve(&self, socket: TcpStream, kind: Kind) -> Option<()> {
        let mut socket = BufReader::new(socket);
        loop {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(socket.read_u8().await.ok()?);
            }
            let head = String::from_utf8(head).expect("a head in UTF-8");
            let length = head
                .lines()
                .filter_map(|line| line.split_once(':'))
                .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
                .map_or(0, |(_, value)| value.trim().parse().expect("a length"));
            let mut body = vec![0; length];
            socket.read_exact(&mut body).await.ok()?;
            let body = String::from_utf8(body).expect("a body in UTF-8");
            if head.contains("/auth/token/lookup-self ") {
                let token = response(
                    "200 OK",
                    "application/json",
                    "{\"data\":{\"ttl\":3600,\"renewable\":false}}",
                );
                socket.write_all(token.as_bytes()).await.ok()?;
                socket.flush().await.ok()?;
                continue;
            }
            let (row, counts) = match kind {
                Kind::Sts => (between(&body, "role%2F", "&"), true),
                Kind::Instance => ("instance", counts_instance(&head, self)),
                Kind::Vault => {
                    let path = head.split(' ').nth(1).expect("a target");
                    (path.rsplit('/').next().expect("a name"), path.contains("/data/"))
                }
            };
            let (count, fault) = self.call(row, counts);
            let good = match kind {
                Kind::Sts => sts(row, count, self.is_short(row)),
                Kind::Instance => instance(&head, self.is_short(row)),
                Kind::Vault => vault(&head, row, count),
            };
            misbehave(&mut socket, kind, fault, good).await?;
        }
    }

    /// Keys that are to be refreshed at once.
    fn is_short(&self, row: &str) -> bool {
        self.calls.lock().expect("no panic")[row].script.ends_with("-after")
    }
}

/// Says what is good, or does what the fault is; `None` where the connection ends.
async fn misbehave(socket: &mut BufReader<TcpStream>, kind: Kind, fault: Option<&str>, good: String) -> Option<()> {
    let bytes = match fault {
        None => good,
        Some("slow") => {
            // The fault itself, and nothing that is waited for: shorter than all timeouts.
            tokio::time::sleep(Duration::from_millis(300)).await;
            good
        }
        Some("503" | "sealed") => response(
            "503 Service Unavailable",
            "application/json",
            "{\"errors\":[\"sealed\"]}",
        ),
        Some("throttled") => response(
            "400 Bad Request",
            "text/xml",
            "<ErrorResponse><Error><Type>Sender</Type><Code>Throttling</Code><Message>Rate exceeded</Message></Error></ErrorResponse>",
        ),
        Some("denied") if kind == Kind::Sts => response(
            "403 Forbidden",
            "text/xml",
            "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>",
        ),
        Some("denied") => response(
            "403 Forbidden",
            "application/json",
            "{\"errors\":[\"permission denied\"]}",
        ),
        Some("missing" | "no-role") => response("404 Not Found", "application/json", "{\"errors\":[]}"),
        Some("token-401") => response("401 Unauthorized", "text/plain", ""),
        Some("garbage") => response("200 OK", "text/html", "<html>welcome</html>"),
        Some("cut") => {
            let half = good.split_at(good.len() - 40).0;
            socket.write_all(half.as_bytes()).await.ok()?;
            return None;
        }
        Some("close" | "refused") => return None,
        Some("reset") => {
            socket.get_ref().set_zero_linger().expect("a socket option");
            return None;
        }
        Some("stall") => return drain(socket).await,
        Some(other) => panic!("no fault of an issuer: {other}"),
    };
    socket.write_all(bytes.as_bytes()).await.ok()?;
    socket.flush().await.ok()
}

fn response(status: &str, kind: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let (_, rest) = text
        .split_once(before)
        .unwrap_or_else(|| panic!("no {before} in {text}"));
    rest.split(after).next().unwrap_or_default()
}

/// When a session ends: after an hour, or so soon that it is to be refreshed after 18 s, which leaves 7 s for a busy machine.
fn expiry(is_short: bool) -> String {
    let lifetime = Duration::from_secs(if is_short { 27 } else { 3_600 });
    DateTime::from(SystemClock.now() + lifetime)
        .fmt(Format::DateTime)
        .expect("a time")
}

fn sts(row: &str, count: usize, is_short: bool) -> String {
    let expiry = expiry(is_short);
    let body = format!(
        "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult><AssumedRoleUser>\
         <AssumedRoleId>AROAFAULTS:s</AssumedRoleId><Arn>arn:aws:sts::111122223333:assumed-role/{row}/s</Arn>\
         </AssumedRoleUser><Credentials><AccessKeyId>ASIAFAULTS{count:010}</AccessKeyId><SecretAccessKey>{MARK}{count}\
         </SecretAccessKey><SessionToken>{MARK}-{row}-{count}</SessionToken><Expiration>{expiry}</Expiration></Credentials>\
         </AssumeRoleResult><ResponseMetadata><RequestId>i</RequestId></ResponseMetadata></AssumeRoleResponse>"
    );
    response("200 OK", "text/xml", &body)
}

/// The calls that the script is about: all of them, but with `-after` those that come when keys were handed out, and with
/// `garbage` and `token-401` those for keys.
fn counts_instance(head: &str, issuer: &Issuer) -> bool {
    let script = issuer.calls.lock().expect("no panic")["instance"].script;
    let is_for_keys = head.contains("security-credentials/the-role");
    if script.ends_with("-after") || script.starts_with("garbage") {
        return is_for_keys;
    }
    !script.starts_with("token-401") || head.starts_with("GET ")
}

fn instance(head: &str, is_short: bool) -> String {
    let target = head.split(' ').nth(1).expect("a target");
    if target == "/latest/api/token" {
        let token = format!("{MARK}-imds");
        return format!(
            "HTTP/1.1 200 OK\r\nx-aws-ec2-metadata-token-ttl-seconds: 21600\r\ncontent-length: {}\r\n\r\n{token}",
            token.len()
        );
    }
    match target.strip_prefix("/latest/meta-data/iam/security-credentials/") {
        Some("") => response("200 OK", "text/plain", "the-role"),
        Some("the-role") => {
            let expiry = expiry(is_short);
            let body = format!(
                "{{\"Code\":\"Success\",\"LastUpdated\":\"2026-01-01T00:00:00Z\",\"Type\":\"AWS-HMAC\",\"AccessKeyId\":\
                 \"ASIAFAULTS0000000001\",\"SecretAccessKey\":\"{MARK}\",\"Token\":\"{MARK}-token\",\"Expiration\":\"{expiry}\"}}"
            );
            response("200 OK", "application/json", &body)
        }
        _ => response("404 Not Found", "text/plain", ""),
    }
}

/// A key/value engine of version 2; the key is another one from the second reading on.
fn vault(head: &str, row: &str, count: usize) -> String {
    let body = if head.contains(" /v1/sys/internal/ui/mounts/") {
        "{\"data\":{\"path\":\"kv/\",\"type\":\"kv\",\"options\":{\"version\":\"2\"}}}".to_owned()
    } else {
        let id = if count == 1 { "AKIAFAULTSOLD" } else { "AKIAFAULTSNEW" };
        format!(
            "{{\"data\":{{\"data\":{{\"id\":\"{id}\",\"secret\":\"{MARK}-{row}-{count}\"}},\"metadata\":{{\"version\":{count}}}}}}}"
        )
    };
    response("200 OK", "application/json", &body)
}
