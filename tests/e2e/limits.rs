//! What one client may take of what all share, through real sockets.

mod connections;
mod slow;
mod streams;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use auth_model::ConnectionName;
use signing_proxy::app::Proxy;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, sleep, timeout};

use crate::support::hostile::{Hostile, Script};
use crate::support::world::{connection, proxy};
use crate::support::{LONGEST_WAIT, RawResponse, Wire, ask};

/// Who does the harm, and who must not notice it.
const HOG: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const OTHER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

/// The target to which the upstream does not respond.
const NEVER: &str = "/b/0";
/// The target whose response is [`LARGE`] bytes long.
const LONG: &str = "/b/1";
const LARGE: usize = 16 << 20;

/// A proxy with connections `a` and `b`, each with a listener of its own, before an upstream that responds as the target
/// has it. `server` and `more` are further keys of `[server]` and of the connections.
async fn start(server: &str, more: &str) -> (Proxy, Hostile) {
    let never = Script {
        bytes: Vec::new(),
        closes: false,
    };
    // Without a length, so that on HTTP/1.0 the end of the connection is that of the response.
    let mut bytes = format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{LARGE:x}\r\n").into_bytes();
    bytes.resize(bytes.len() + LARGE, b'x');
    bytes.extend(b"\r\n0\r\n\r\n");
    let long = Script { bytes, closes: false };
    let upstream = Hostile::start(vec![never, long]).await;
    let endpoint = format!("http://{}", upstream.address);
    let connections: String = ["a", "b"]
        .map(|name| connection(name, "s3", &endpoint, &format!("listen = \"127.0.0.1:0\"\n{more}")))
        .concat();
    (proxy(&format!("{server}\n{connections}")).await, upstream)
}

/// The own listener of a connection.
fn listener(proxy: &Proxy, name: &str) -> SocketAddr {
    let name = ConnectionName::parse(name).expect("a name");
    proxy.connection_addr(&name).expect("a listener")
}

/// A socket from this address.
async fn connect_from(from: IpAddr, to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket
        .bind(SocketAddr::new(from, 0))
        .expect("an address of this machine");
    socket.connect(to).await.expect("somebody listens")
}

fn get(target: &str) -> String {
    get_on("HTTP/1.1", target)
}

fn get_on(version: &str, target: &str) -> String {
    format!("GET {target} {version}\r\nHost: localhost\r\n\r\n")
}

/// A request from this address, on a connection of its own; how long its response took.
async fn ask_from(from: IpAddr, to: SocketAddr) -> (RawResponse, Duration) {
    let began = Instant::now();
    let exchange = async {
        let mut wire = Wire::on(connect_from(from, to).await);
        wire.send(get("/b/k")).await;
        wire.response().await
    };
    let response = timeout(LONGEST_WAIT, exchange).await.expect("a response in time");
    (response, began.elapsed())
}

/// Sends requests until one is served, as SDKs do: to what is rejected, or closed without a response.
async fn served_in_the_end(to: SocketAddr) {
    let again = async {
        loop {
            let mut wire = Wire::connect(to).await;
            wire.send(get("/b/k")).await;
            if !wire.is_closed().await && wire.response().await.status == 200 {
                return;
            }
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(LONGEST_WAIT, again).await.expect("a response in the end");
}

/// The value of a sample of `/metrics`; 0 where there is none yet.
async fn sample(proxy: &Proxy, name: &str) -> u64 {
    let text = ask(proxy.admin_addr().expect("an admin listener"), get("/metrics"))
        .await
        .text();
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
    value.unwrap_or(0)
}

/// Waits until the sample is so much, or more.
async fn reaches(proxy: &Proxy, name: &str, value: u64) {
    let looking = async {
        while sample(proxy, name).await < value {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(LONGEST_WAIT, looking)
        .await
        .unwrap_or_else(|_| panic!("{name} does not reach {value}"));
}

const IN_FLIGHT: &str = "signing_proxy_requests_in_flight ";
