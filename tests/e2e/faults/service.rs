//! A service that meets one fault: its port, its connections, and what came to it.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::http1::{self, End};
use super::http2;
use super::ledger::Ledger;
use super::list::{Over, Row};
use crate::early::service::identity_for;
use crate::support::LONGEST_WAIT;

/// Certificates for `127.0.0.1`, and the file with those that the proxy trusts.
pub(super) struct Trust {
    http1: TlsAcceptor,
    http2: TlsAcceptor,
    untrusted: TlsAcceptor,
    pub(super) folder: tempfile::TempDir,
}

impl Trust {
    pub(super) fn new() -> Self {
        let (http1, folder) = identity_for(&[]);
        let (http2, second) = identity_for(&[b"h2"]);
        let (untrusted, _) = identity_for(&[]);
        let file = folder.path().join("ca.pem");
        let pem = std::fs::read_to_string(&file).expect("a certificate");
        let more = std::fs::read_to_string(second.path().join("ca.pem")).expect("a certificate");
        std::fs::write(file, pem + &more).expect("written");
        Self {
            http1,
            http2,
            untrusted,
            folder,
        }
    }
}

/// What its connections share.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) row: Row,
    pub(super) ledger: Ledger,
    /// Raised to end all connections that wait for a request.
    generation: watch::Sender<u32>,
    open: watch::Sender<usize>,
    connections: Mutex<usize>,
    /// Session tokens that are rejected.
    pub(super) ended: Mutex<HashSet<String>>,
}

impl Stage {
    /// Waits until this connection has to end; whether the other side is to see it first.
    pub(super) async fn ends(&self, born: u32) -> bool {
        let mut generation = self.generation.subscribe();
        let _ = generation.wait_for(|now| *now != born).await;
        self.row.fault == "idle-closed"
    }
}

pub(super) struct Service {
    pub(super) stage: Arc<Stage>,
    pub(super) address: SocketAddr,
    acceptor: Option<TlsAcceptor>,
    /// Where it does not listen yet.
    socket: Mutex<Option<TcpSocket>>,
}

impl Service {
    pub(super) fn start(row: &Row, trust: &Trust) -> Self {
        let socket = bound("127.0.0.1:0".parse().expect("an address"));
        let address = socket.local_addr().expect("an address");
        let acceptor = match row.over {
            Over::Http => None,
            _ if row.fault == "tls-untrusted" => Some(&trust.untrusted),
            Over::Tls => Some(&trust.http1),
            Over::Http2 => Some(&trust.http2),
        };
        let service = Self {
            stage: Arc::new(Stage {
                row: row.clone(),
                ledger: Ledger::default(),
                generation: watch::Sender::new(0),
                open: watch::Sender::new(0),
                connections: Mutex::new(0),
                ended: Mutex::default(),
            }),
            address,
            acceptor: acceptor.cloned(),
            socket: Mutex::new(Some(socket)),
        };
        if !row.fault.starts_with("refused") {
            service.listen();
        }
        service
    }

    pub(super) fn endpoint(&self) -> String {
        let scheme = if self.acceptor.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// From now on connections are accepted.
    pub(super) fn listen(&self) {
        let socket = self
            .socket
            .lock()
            .expect("no panic")
            .take()
            .expect("it does not listen");
        let listener = socket.listen(64).expect("it listens");
        tokio::spawn(accept(listener, Arc::clone(&self.stage), self.acceptor.clone()));
    }

    /// All connections that wait for a request end; the proxy has seen it afterwards.
    pub(super) async fn close_idle(&self) {
        self.stage.generation.send_modify(|generation| *generation += 1);
        let mut open = self.stage.open.subscribe();
        let none_left = open.wait_for(|open| *open == 0);
        timeout(LONGEST_WAIT, none_left)
            .await
            .expect("in time")
            .expect("a service");
    }

    /// All connections are gone, and the port is opened anew.
    pub(super) async fn restart(&self) {
        self.close_idle().await;
        // The task that had the old listener has dropped it by then, or is about to.
        let socket = loop {
            match TcpListener::bind(self.address).await {
                Ok(listener) => break listener,
                Err(_) => tokio::task::yield_now().await,
            }
        };
        tokio::spawn(accept(socket, Arc::clone(&self.stage), self.acceptor.clone()));
    }
}

fn bound(address: SocketAddr) -> TcpSocket {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_reuseaddr(true).expect("a socket option");
    socket.bind(address).expect("a free port");
    socket
}

async fn accept(listener: TcpListener, stage: Arc<Stage>, acceptor: Option<TlsAcceptor>) {
    let born = *stage.generation.borrow();
    loop {
        let socket = tokio::select! {
            accepted = listener.accept() => accepted.expect("a connection").0,
            _ = stage.ends(born), if stage.row.fault == "restart" => return,
        };
        socket.set_nodelay(true).expect("a socket option");
        let number = {
            let mut connections = stage.connections.lock().expect("no panic");
            *connections += 1;
            *connections
        };
        let (stage, acceptor) = (Arc::clone(&stage), acceptor.clone());
        tokio::spawn(async move {
            stage.open.send_modify(|open| *open += 1);
            serve(socket, &stage, acceptor, number).await;
            stage.open.send_modify(|open| *open -= 1);
        });
    }
}

/// One connection, with its TLS and what goes wrong in it.
async fn serve(mut socket: TcpStream, stage: &Stage, acceptor: Option<TlsAcceptor>, number: usize) -> Option<()> {
    let born = *stage.generation.borrow();
    match stage.row.fault {
        "tls-drop" if number == 1 => return None,
        "tls-plain" => {
            let said = "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n";
            tokio::io::AsyncWriteExt::write_all(&mut socket, said.as_bytes())
                .await
                .ok()?;
            return http1::drain(socket).await;
        }
        "tls-stall" => return http1::drain(socket).await,
        _ => {}
    }
    let Some(acceptor) = acceptor else {
        let (socket, end) = http1::serve(socket, stage, born).await?;
        return end_tcp(&socket, end);
    };
    let socket = acceptor.accept(socket).await.ok()?;
    if stage.row.over == Over::Http2 {
        let (socket, end) = http2::serve(socket, stage, born).await?;
        return end_tcp(socket.get_ref().0, end);
    }
    let (socket, end) = http1::serve(socket, stage, born).await?;
    end_tcp(socket.get_ref().0, end)
}

fn end_tcp(socket: &TcpStream, end: End) -> Option<()> {
    if end == End::Reset {
        socket.set_zero_linger().expect("a socket option");
    }
    Some(())
}
