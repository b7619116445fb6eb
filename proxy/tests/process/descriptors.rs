//! Few files may be open: probes are let in all the same, and clients are served one after the other.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use super::program::{Service, status};
use super::stopping::{ID, Served, probe, serve_after};

/// As the shell limits it, hard and soft.
const LIMIT: &str = "ulimit -n 64 && exec \"$@\"";

/// More than there are descriptors.
const CLIENTS: usize = 100;

/// For what takes milliseconds, on a machine that has other things to do.
const LONG: Duration = Duration::from_mins(1);

fn limited(port: u16) -> Served {
    // Each thread takes descriptors of its own.
    serve_after(LIMIT, port, "threads = 2")
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("the kernel's queue has room");
    stream.set_read_timeout(Some(LONG)).expect("a timeout");
    stream
}

/// Probes as often as an attacker could be lucky.
#[track_caller]
fn is_let_in(admin: SocketAddr) {
    for path in ["/livez", "/readyz", "/metrics"] {
        for _ in 0..5 {
            assert_eq!(probe(admin, path).0, 200, "{path}");
        }
    }
}

#[test]
fn idle_clients_beyond_the_limit_keep_out_neither_probes_nor_clients() {
    let service = Service::start(ID);
    let mut served = limited(service.port);
    let idle: Vec<_> = (0..CLIENTS).map(|_| connect(served.address)).collect();
    is_let_in(served.admin);
    // Each of those before it ends a second after it has connected.
    assert_eq!(status(served.address, "GET", b""), 200);
    is_let_in(served.admin);
    drop(idle);
    served.program.signal("-TERM");
    assert_eq!(served.program.ended().0.code(), Some(0));
}

#[test]
fn busy_clients_beyond_the_limit_keep_out_no_probe() {
    // Nobody accepts: each request stays under way.
    let service = TcpListener::bind("127.0.0.1:0").expect("a port");
    let served = limited(service.local_addr().expect("its address").port());
    let busy: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let mut client = connect(served.address);
            let request = format!("GET /@store/bucket/key HTTP/1.1\r\nhost: {}\r\n\r\n", served.address);
            client.write_all(request.as_bytes()).expect("the kernel takes it");
            client
        })
        .collect();
    // Those that are served have their connections to the service.
    let mut reached = Vec::new();
    for _ in 0..5 {
        reached.push(service.accept().expect("a request"));
    }
    is_let_in(served.admin);
    drop(busy);
    is_let_in(served.admin);
}

#[test]
fn spooled_bodies_beyond_the_limit_keep_out_no_probe() {
    let service = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = service.local_addr().expect("its address").port();
    let served = serve_after(LIMIT, port, "threads = 2\nbody_memory = \"0B\"");
    let half = vec![b'a'; 100_000];
    let busy: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let mut client = connect(served.address);
            let head = format!(
                "PUT /@store/bucket/key HTTP/1.1\r\nhost: {}\r\ncontent-length: 200000\r\n\r\n",
                served.address
            );
            client.write_all(head.as_bytes()).expect("the kernel takes it");
            client.write_all(&half).expect("the kernel takes it");
            client
        })
        .collect();
    is_let_in(served.admin);
    drop(busy);
}

#[test]
fn clients_at_the_same_time_are_all_served() {
    let service = Service::start(ID);
    let served = limited(service.port);
    let address = served.address;
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| thread::spawn(move || status(address, "GET", b"")))
        .collect();
    let statuses: Vec<_> = clients
        .into_iter()
        .map(|client| client.join().expect("a status"))
        .collect();
    assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
}

/// Whoever connects to the admin listener again and again has a part of the reserve, and the rest is for others.
#[test]
fn clients_of_the_admin_listener_keep_out_no_probe() {
    let service = Service::start(ID);
    let served = limited(service.port);
    let idle: Vec<_> = (0..CLIENTS).map(|_| connect(served.admin)).collect();
    is_let_in(served.admin);
    assert_eq!(status(served.address, "GET", b""), 200);
    drop(idle);
    let mut rest = String::new();
    let mut last = connect(served.admin);
    last.write_all(b"GET /livez HTTP/1.0\r\n\r\n").expect("it reads");
    last.read_to_string(&mut rest).expect("a response");
    assert!(rest.starts_with("HTTP/1."), "{rest}");
}

/// Each stream of HTTP/2 has a connection to the service of its own.
#[tokio::test]
async fn streams_beyond_the_limit_keep_out_no_probe() {
    // Nobody accepts: each request stays under way.
    let service = TcpListener::bind("127.0.0.1:0").expect("a port");
    let served = limited(service.local_addr().expect("its address").port());
    let mut under_way = Vec::new();
    for _ in 0..4 {
        let stream = tokio::net::TcpStream::connect(served.address)
            .await
            .expect("it listens");
        let (mut client, connection) = h2::client::handshake(stream).await.expect("HTTP/2");
        tokio::spawn(connection);
        for _ in 0..32 {
            let target = format!("http://{}/@store/bucket/key", served.address);
            let request = http::Request::get(target).body(()).expect("a request");
            client = client.ready().await.expect("it takes streams");
            under_way.push(client.send_request(request, true).expect("it is sent").0);
        }
    }
    let probed = tokio::task::spawn_blocking(move || is_let_in(served.admin));
    // Those for which there is no connection get their responses meanwhile, as long as the others wait.
    let (response, others) = {
        let (response, _, others) = futures_util::future::select_all(under_way).await;
        (response.expect("a response"), others)
    };
    assert_eq!(response.status(), 503);
    assert_eq!(response.headers()["x-signing-proxy-error"], "upstream-busy");
    assert!(response.headers().contains_key("retry-after"));
    probed.await.expect("probes");
    drop(others);
}
