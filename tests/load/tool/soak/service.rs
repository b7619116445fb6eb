//! The service of the soak: S3, `DynamoDB`, Bedrock and STS as far as their messages go, which checks whatever comes and
//! spoils some of it. In the clear and over TLS; a third port reports what it has seen.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

use super::check::{Announced, Sender, is_intact, rejected};
use super::content::Content;
use super::counts::Counts;
use super::fault::Fault;
use super::keys::Keys;
use super::mixture::Mixture;
use super::plan::{Operation, Plan};
use super::wire::{Socket, Wire};
use super::{NUMBER, SIGNED_BY, now, sts};
use crate::{Outcome, upstream};

/// S3's words for "later", which the client has to get byte for byte.
pub(super) const UNAVAILABLE: &str =
    "<?xml version=\"1.0\"?><Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>";
const LATE: Duration = Duration::from_millis(1500);
const BETWEEN_PIECES: Duration = Duration::from_millis(50);

/// What the service does.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Where it writes its certificate and its ports.
    pub(crate) folder: PathBuf,
    pub(crate) seed: u64,
    /// So many of 1,000 requests meet a fault.
    pub(crate) faults: u64,
    /// How long role sessions live.
    pub(crate) session: Duration,
}

#[derive(Debug)]
struct Service {
    settings: Settings,
    mixture: Mixture,
    content: Content,
    counts: Counts,
    keys: Keys,
}

/// Serves until it is killed. Writes its certificate to `ca.pem`, then its ports to `ports`: clear, TLS, counts.
pub(crate) async fn serve(settings: Settings) -> Outcome {
    let acceptor = upstream::tls(&settings.folder)?;
    let clear = TcpListener::bind("127.0.0.1:0").await?;
    let encrypted = TcpListener::bind("127.0.0.1:0").await?;
    let reports = TcpListener::bind("127.0.0.1:0").await?;
    let port = |listener: &TcpListener| listener.local_addr().map(|address| address.port());
    let ports = format!("{} {} {}", port(&clear)?, port(&encrypted)?, port(&reports)?);
    let folder = settings.folder.clone();
    let (seed, faults) = (settings.seed, settings.faults);
    let service = Arc::new(Service {
        settings,
        mixture: Mixture { seed, faults },
        content: Content::new(seed),
        counts: Counts::default(),
        keys: Keys::default(),
    });
    // Renamed, so that whoever waits for the file never reads half of it.
    fs::write(folder.join("ports.new"), ports)?;
    fs::rename(folder.join("ports.new"), folder.join("ports"))?;
    tokio::spawn(revoke(Arc::clone(&service)));
    loop {
        tokio::select! {
            accepted = clear.accept() => {
                let (stream, _) = accepted?;
                let service = Arc::clone(&service);
                tokio::spawn(async move { service.connection(stream, false).await });
            }
            accepted = encrypted.accept() => {
                let (stream, _) = accepted?;
                let (service, acceptor) = (Arc::clone(&service), acceptor.clone());
                tokio::spawn(async move {
                    match acceptor.accept(stream).await {
                        Ok(stream) => service.connection(stream, true).await,
                        Err(_) => service.counts.add("cut", 1),
                    }
                });
            }
            accepted = reports.accept() => {
                let (stream, _) = accepted?;
                let service = Arc::clone(&service);
                tokio::spawn(async move { drop(service.report(stream).await) });
            }
        }
    }
}

/// Ends all sessions now and then. The proxy takes a first rejection for what it is at once, and then each within twice
/// the time of the one before, up to 5 minutes: so each comes later than that.
async fn revoke(service: Arc<Service>) {
    let mut gap = Duration::from_secs(12);
    loop {
        sleep(gap).await;
        service.keys.revoke();
        gap = (gap * 2 + Duration::from_secs(8)).min(Duration::from_secs(320));
    }
}

/// Whether the connection can go on.
type Goes = io::Result<bool>;

impl Service {
    async fn report(&self, stream: TcpStream) -> io::Result<()> {
        let mut wire = Wire::new(stream);
        wire.head().await?;
        let text = self.counts.json();
        let head = format!(
            "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
            text.len()
        );
        wire.send((head + &text).as_bytes()).await?;
        wire.close().await
    }

    async fn connection<S: Socket>(&self, stream: S, is_tls: bool) {
        self.counts.add("connections", 1);
        if stream.tcp().set_nodelay(true).is_err() {
            return;
        }
        let mut wire = Some(Wire::new(stream));
        while wire.is_some() {
            match self.request(&mut wire, is_tls).await {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                    self.counts.wrong("malformed", error.to_string());
                    return;
                }
                Err(_) => {
                    self.counts.add("cut", 1);
                    return;
                }
            }
        }
    }

    /// One request. Takes the wire where the connection ends with it.
    async fn request<S: Socket>(&self, slot: &mut Option<Wire<S>>, is_tls: bool) -> Goes {
        let Some(wire) = slot.as_mut() else { return Ok(false) };
        let Some(head) = wire.head().await? else {
            return Ok(false);
        };
        self.counts.add("requests", 1);
        let Some(sender) = Sender::of(&head) else {
            self.counts
                .wrong("unsigned", format!("{} {} without a number", head.method, head.target));
            return Ok(false);
        };
        let plan = match sender {
            Sender::Client(number) => Some(self.mixture.plan(number)),
            Sender::Probe | Sender::Sts => None,
        };
        let announced = Announced::read(&head, &self.keys, plan.as_ref());
        // What is rejected comes again, and meets its fault then.
        let fault = plan
            .as_ref()
            .filter(|plan| announced.is_ok() && self.counts.arrival(plan.number) == 0)
            .map_or(Fault::None, |plan| plan.fault);
        if fault != Fault::None {
            self.counts.fault(fault.name());
        }
        match (fault, slot.take()) {
            (Fault::ResetBefore, Some(wire)) => return wire.reset().map(|()| false),
            (Fault::Early, Some(mut wire)) => {
                wire.send(&unavailable("connection: close\r\n", head.method == "HEAD"))
                    .await?;
                return Ok(false);
            }
            (_, wire) => *slot = wire,
        }
        let Some(wire) = slot.as_mut() else { return Ok(false) };
        if head
            .field("expect")
            .is_some_and(|value| value.eq_ignore_ascii_case("100-continue"))
        {
            wire.send(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
        }
        let body = wire.body(&head).await?;
        self.counts.add("bytes", body.len() as u64);
        let opened = announced.and_then(|announced| {
            let content = announced.open(&head, body, is_tls)?;
            Ok((announced, content))
        });
        let (announced, content) = match opened {
            Ok(opened) => opened,
            Err(wrong) => {
                let (status, code) = rejected(&self.counts, &head, wrong);
                let text = if head.method == "HEAD" {
                    String::new()
                } else {
                    error(code)
                };
                let length = error(code).len();
                let head = format!(
                    "HTTP/1.1 {status} No\r\ncontent-type: application/xml\r\ncontent-length: {length}\r\n\r\n"
                );
                wire.send((head + &text).as_bytes()).await?;
                return Ok(true);
            }
        };
        self.counts.add("verified", 1);
        let Some(plan) = plan else {
            return self.respond_beside(wire, sender, &announced).await;
        };
        if !is_intact(&plan, &head, &content, &plan.body(&self.content)) {
            self.counts.wrong(
                "corrupted_body",
                format!("{plan:?}, which came as {} {}", head.method, head.target),
            );
        }
        if fault == Fault::Unavailable {
            wire.send(&unavailable("", head.method == "HEAD")).await?;
            return Ok(true);
        }
        if self.counts.effect(plan.number) > 0 && !plan.operation.is_safe() {
            self.counts.wrong("twice", format!("{plan:?}"));
        }
        let Some(wire) = slot.take() else { return Ok(false) };
        *slot = self.respond(wire, &plan, fault, announced.key_id()).await?;
        Ok(slot.is_some())
    }

    async fn respond_beside<S: Socket>(&self, wire: &mut Wire<S>, sender: Sender, announced: &Announced) -> Goes {
        let text = if sender == Sender::Sts {
            self.counts.add("sessions", 1);
            sts::assume_role(&self.keys, self.counts.get("sessions"), now(), self.settings.session)
        } else {
            "probe".to_owned()
        };
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: text/xml\r\n{SIGNED_BY}: {}\r\ncontent-length: {}\r\n\r\n",
            announced.key_id(),
            text.len()
        );
        wire.send((head + &text).as_bytes()).await.map(|()| true)
    }

    /// The response of a request that was executed. The wire, where more can come over it.
    async fn respond<S: Socket>(
        &self,
        mut wire: Wire<S>,
        plan: &Plan,
        fault: Fault,
        key: &str,
    ) -> io::Result<Option<Wire<S>>> {
        match fault {
            Fault::ResetAfter => return wire.reset().map(|()| None),
            Fault::CloseAfter => return wire.close().await.map(|()| None),
            Fault::Malformed => {
                wire.send(b"HTTP/1.1 2x0 what\r\n\r\n").await?;
                return wire.close().await.map(|()| None);
            }
            Fault::Slow => sleep(LATE).await,
            _ => {}
        }
        let mut body = self.content.part(plan.response);
        let has_body = !matches!(plan.operation, Operation::Head | Operation::Delete);
        let framing = match (has_body && plan.is_response_chunked, plan.operation) {
            (true, _) => "transfer-encoding: chunked\r\n".to_owned(),
            (false, Operation::Delete) => String::new(),
            (false, _) => format!("content-length: {}\r\n", body.len()),
        };
        let last = if fault == Fault::LastOfConnection {
            "connection: close\r\n"
        } else {
            ""
        };
        let head = format!(
            "HTTP/1.1 {} OK\r\n{NUMBER}: {}\r\n{SIGNED_BY}: {key}\r\nx-amz-request-id: {}\r\n\
             content-type: application/octet-stream\r\n{framing}{last}\r\n",
            plan.status(),
            plan.number,
            plan.number,
        );
        if !has_body {
            body = Bytes::new();
        }
        match fault {
            Fault::Truncated => body.truncate(body.len() / 2),
            Fault::Corrupted => body = spoiled(&body),
            _ => {}
        }
        let is_chunked = has_body && plan.is_response_chunked;
        self.send_body(&mut wire, head, body, is_chunked, plan, fault).await?;
        if matches!(fault, Fault::Truncated | Fault::LastOfConnection) {
            return wire.close().await.map(|()| None);
        }
        Ok(Some(wire))
    }

    async fn send_body<S: Socket>(
        &self,
        wire: &mut Wire<S>,
        head: String,
        body: Bytes,
        is_chunked: bool,
        plan: &Plan,
        fault: Fault,
    ) -> io::Result<()> {
        let is_in_pieces = fault == Fault::Trickle || plan.operation == Operation::InvokeStream;
        let size = if is_in_pieces {
            body.len().div_ceil(4).max(1)
        } else {
            body.len().max(1)
        };
        let mut out = head.into_bytes();
        for (index, piece) in body.chunks(size).enumerate() {
            if index > 0 {
                wire.send(&out).await?;
                out.clear();
                sleep(BETWEEN_PIECES).await;
            }
            if is_chunked {
                out.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
            }
            out.extend_from_slice(piece);
            if is_chunked {
                out.extend_from_slice(b"\r\n");
            }
        }
        if is_chunked && fault != Fault::Truncated {
            out.extend_from_slice(b"0\r\n\r\n");
        }
        wire.send(&out).await
    }
}

fn error(code: &str) -> String {
    format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>No.</Message></Error>")
}

fn unavailable(more: &str, is_head: bool) -> Vec<u8> {
    let length = UNAVAILABLE.len();
    let head =
        format!("HTTP/1.1 503 Slow Down\r\ncontent-type: application/xml\r\n{more}content-length: {length}\r\n\r\n");
    let text = if is_head { "" } else { UNAVAILABLE };
    (head + text).into_bytes()
}

/// With one wrong byte, somewhere.
fn spoiled(body: &Bytes) -> Bytes {
    let mut body = body.to_vec();
    let middle = body.len() / 2;
    if let Some(byte) = body.get_mut(middle) {
        *byte ^= 0x20;
    }
    body.into()
}
