//! What [`super`] promises, for a proxy before a service that waits for a permit.

use std::net::SocketAddr;
use std::sync::Weak;
use std::time::Duration;

use auth_model::ConnectionName;
use proxy_config::Environment;
use proxy_core::pipeline::Pipeline;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::*;

const TEST_TIMEOUT: Duration = Duration::from_secs(20);

const RESPONSE: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// Responds to every request on every connection once it has a permit.
struct Service {
    addr: SocketAddr,
    go: Arc<Semaphore>,
}

impl Service {
    async fn start(permits: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let go = Arc::new(Semaphore::new(permits));
        let gate = Arc::clone(&go);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let gate = Arc::clone(&gate);
                tokio::spawn(async move {
                    let mut read = Vec::new();
                    while let Ok(byte) = stream.read_u8().await {
                        read.push(byte);
                        if read.ends_with(b"\r\n\r\n") {
                            gate.acquire().await.unwrap().forget();
                            stream.write_all(RESPONSE).await.unwrap();
                            read.clear();
                        }
                    }
                });
            }
        });
        Self { addr, go }
    }

    fn open(&self) {
        self.go.add_permits(Semaphore::MAX_PERMITS / 2);
    }
}

/// One connection `a` to the service, and what else the tables say.
fn config(service: &Service, server: &str, connection: &str, more: &str) -> Config {
    Config::from_toml(&toml(service, server, connection, more), &Environment::empty()).unwrap()
}

fn toml(service: &Service, server: &str, connection: &str, more: &str) -> String {
    let auth =
        "method = \"access-key\"\naccess_key_id = \"AKIAIOSFODNN7EXAMPLE\"\nsecret_access_key = \"literal:wJalr\"";
    format!(
        "[server]\nlisten = \"127.0.0.1:0\"\nadmin = \"127.0.0.1:0\"\n{server}\n[connections.a]\nservice = \"s3\"\n\
         region = \"us-east-1\"\nendpoint = \"http://{}\"\n{connection}\n[connections.a.auth]\n{auth}\n{more}\n",
        service.addr
    )
}

struct Client(TcpStream);

impl Client {
    async fn connect(addr: SocketAddr) -> Self {
        Self(TcpStream::connect(addr).await.unwrap())
    }

    async fn send(&mut self, path: &str) {
        let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
        self.0.write_all(request.as_bytes()).await.unwrap();
    }

    /// The status of the next response, its body read.
    async fn status(&mut self) -> u16 {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(timeout(TEST_TIMEOUT, self.0.read_u8()).await.unwrap().unwrap());
        }
        let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
        let length = head.split("content-length: ").nth(1).unwrap().lines().next().unwrap();
        let mut body = vec![0; length.parse().unwrap()];
        self.0.read_exact(&mut body).await.unwrap();
        head[9..12].parse().unwrap()
    }

    async fn get(&mut self, path: &str) -> u16 {
        self.send(path).await;
        self.status().await
    }

    async fn is_closed(&mut self) -> bool {
        matches!(
            timeout(TEST_TIMEOUT, self.0.read(&mut [0; 16])).await.unwrap(),
            Ok(0) | Err(_)
        )
    }
}

async fn get(addr: SocketAddr, path: &str) -> String {
    let mut client = Client::connect(addr).await;
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    client.0.write_all(request.as_bytes()).await.unwrap();
    let mut response = String::new();
    client.0.read_to_string(&mut response).await.unwrap();
    response
}

fn old(proxy: &Proxy) -> Weak<Pipeline> {
    Arc::downgrade(&proxy.pipeline.load_full())
}

/// Until the condition holds.
async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let wait = async {
        while !holds() {
            tokio::task::yield_now().await;
        }
    };
    timeout(TEST_TIMEOUT, wait).await.unwrap_or_else(|_| panic!("{what}"));
}

#[tokio::test]
async fn a_running_request_keeps_its_pipeline_and_its_end_frees_it() {
    let service = Service::start(0).await;
    let proxy = Proxy::start(config(&service, "", "", "")).await.unwrap();
    let mut client = Client::connect(proxy.addr().unwrap()).await;
    client.send("/@a/bucket/key").await;
    let pipeline = old(&proxy);
    until("the request runs", || pipeline.strong_count() > 1).await;

    // Another pool as well: the old one has to serve the request to its end.
    let changed = config(&service, "", "timeouts = { response = \"1m\" }", "");
    assert_eq!(proxy.reload(Ok(changed)).await.unwrap(), Reloaded { generation: 2 });
    assert!(pipeline.upgrade().is_some());
    service.open();
    assert_eq!(client.status().await, 200);
    until("the old pipeline is freed", || pipeline.upgrade().is_none()).await;
    // The same client goes on with the new one.
    assert_eq!(client.get("/@a/bucket/key").await, 200);
}

#[tokio::test]
async fn a_thousand_reloads_leave_nothing_behind() {
    let service = Service::start(0).await;
    service.open();
    let proxy = Proxy::start(config(&service, "", "", "")).await.unwrap();
    let addr = proxy.addr().unwrap();
    let mut client = Client::connect(addr).await;
    assert_eq!(client.get("/@a/bucket/key").await, 200);
    let lines = |proxy: &Proxy| proxy.metrics().encode().unwrap().lines().count();
    let mut most_lines = 0;
    let mut pipelines = Vec::new();
    for number in 0..1_000 {
        let more = format!(
            "[connections.b{number}]\nservice = \"s3\"\nregion = \"us-east-1\"\nlisten = \"127.0.0.1:0\"\n\
             endpoint = \"http://{}\"\nauth = {{ method = \"default-chain\" }}",
            service.addr
        );
        pipelines.push(old(&proxy));
        proxy.reload(Ok(config(&service, "", "", &more))).await.unwrap();
        let own = proxy.connection_addr(&ConnectionName::parse(format!("b{number}")).unwrap());
        drop(TcpStream::connect(own.unwrap()).await.unwrap());
        if number % 100 == 0 {
            assert_eq!(client.get("/@a/bucket/key").await, 200);
            most_lines = most_lines.max(lines(&proxy));
        }
    }
    assert_eq!(proxy.loads.report().generation, 1_001);
    proxy.reload(Ok(config(&service, "", "", ""))).await.unwrap();
    until("every old pipeline is freed", || {
        pipelines.iter().all(|old| old.strong_count() == 0)
    })
    .await;
    until("removed listeners are forgotten", || lines(&proxy) <= most_lines).await;
    assert_eq!(client.get("/@a/bucket/key").await, 200);
    assert_eq!(proxy.addr(), Some(addr));
}

#[tokio::test]
async fn an_unusable_configuration_changes_nothing_and_is_reported() {
    let service = Service::start(0).await;
    service.open();
    let proxy = Proxy::start(config(&service, "", "", "")).await.unwrap();
    let admin = proxy.admin_addr().unwrap();
    let before = proxy.config();
    let broken = toml(&service, "max_clints = 3", "", "");
    let rejected = proxy.reload(Config::from_toml(&broken, &Environment::empty())).await;
    assert!(matches!(rejected, Err(ReloadError::Config(_))));
    assert!(Arc::ptr_eq(&before, &proxy.config()));
    let mut client = Client::connect(proxy.addr().unwrap()).await;
    assert_eq!(client.get("/@a/bucket/key").await, 200);

    let ready = get(admin, "/readyz").await;
    assert!(ready.starts_with("HTTP/1.1 200 "), "{ready}");
    assert!(
        ready.contains("signing-proxy.toml:4:1: server.max_clints: unknown key in [server]; did you mean max_clients?"),
        "{ready}"
    );
    assert!(ready.contains("\"generation\": 1,"), "{ready}");
    let metrics = get(admin, "/metrics").await;
    assert!(
        metrics.contains("config_reloads_total{outcome=\"failed\"} 1\n"),
        "{metrics}"
    );
    assert!(
        metrics.contains("config_reloads_total{outcome=\"succeeded\"} 0\n"),
        "{metrics}"
    );
    assert!(metrics.contains("signing_proxy_config_generation 1\n"), "{metrics}");

    proxy.reload(Ok(config(&service, "", "", ""))).await.unwrap();
    let ready = get(admin, "/readyz").await;
    assert!(ready.contains("\"failed_reload\": null"), "{ready}");
    assert!(ready.contains("\"generation\": 2,"), "{ready}");
}

#[tokio::test]
async fn a_listener_that_cannot_be_opened_changes_nothing() {
    let service = Service::start(0).await;
    service.open();
    let proxy = Proxy::start(config(&service, "", "", "")).await.unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    // `a` would get a listener before the one that fails is reached.
    let more = format!(
        "[connections.b]\nservice = \"s3\"\nregion = \"us-east-1\"\nlisten = \"{}\"\nauth = {{ method = \"default-chain\" }}",
        taken.local_addr().unwrap()
    );
    let wanted = config(&service, "", "listen = \"127.0.0.1:0\"", &more);
    let rejected = proxy.reload(Ok(wanted)).await.unwrap_err();
    assert!(rejected.to_string().contains("connections.b.listen"), "{rejected}");
    let a = ConnectionName::parse("a").unwrap();
    assert_eq!(proxy.connection_addr(&a), None);
    let mut client = Client::connect(proxy.addr().unwrap()).await;
    assert_eq!(client.get("/@a/bucket/key").await, 200);
    assert_eq!(client.get("/@b/bucket/key").await, 404);
}

#[tokio::test]
async fn listeners_come_go_and_change_their_role() {
    let service = Service::start(0).await;
    let proxy = Proxy::start(config(&service, "", "", "")).await.unwrap();
    let shared = proxy.addr().unwrap();
    let a = ConnectionName::parse("a").unwrap();
    proxy
        .reload(Ok(config(&service, "", "listen = \"127.0.0.1:0\"", "")))
        .await
        .unwrap();
    assert_eq!(proxy.addr(), Some(shared));
    let own = proxy.connection_addr(&a).unwrap();
    let (mut running, mut idle) = (Client::connect(own).await, Client::connect(own).await);
    running.send("/bucket/key").await;
    let pipeline = old(&proxy);
    until("the request runs", || pipeline.strong_count() > 1).await;

    // Removed: nobody new, idle clients leave, a running request ends well.
    proxy.reload(Ok(config(&service, "", "", ""))).await.unwrap();
    assert!(TcpStream::connect(own).await.is_err());
    assert!(idle.is_closed().await);
    service.open();
    assert_eq!(running.status().await, 200);
    assert!(running.is_closed().await);

    // At the same address again, and then for everybody.
    let again = format!("listen = \"{own}\"");
    proxy.reload(Ok(config(&service, "", &again, ""))).await.unwrap();
    assert_eq!(Client::connect(own).await.get("/bucket/key").await, 200);
    let toml = toml(&service, "", "", "").replacen("127.0.0.1:0", &own.to_string(), 1);
    proxy
        .reload(Ok(Config::from_toml(&toml, &Environment::empty()).unwrap()))
        .await
        .unwrap();
    assert_eq!(proxy.addr(), Some(own));
    assert!(TcpStream::connect(shared).await.is_err());
    assert_eq!(Client::connect(own).await.get("/@a/bucket/key").await, 200);
}

#[tokio::test]
async fn only_what_changed_is_made_anew() {
    let service = Service::start(0).await;
    service.open();
    let proxy = Proxy::start(config(&service, "", "", "")).await.unwrap();
    let name = ConnectionName::parse("a").unwrap();
    let set = || async {
        let sources = proxy.parts.lock().await.sources.by_connection();
        sources[&name].credentials().await.unwrap()
    };
    let opened = || {
        let text = proxy.metrics().encode().unwrap();
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix("signing_proxy_upstream_connections_opened_total{connection=\"a\"} "));
        line.unwrap().parse::<u32>().unwrap()
    };
    let mut client = Client::connect(proxy.addr().unwrap()).await;
    assert_eq!(client.get("/@a/bucket/key").await, 200);
    let first = set().await;

    // Credentials and pool stay for what concerns neither.
    proxy
        .reload(Ok(config(
            &service,
            "gateway_hosts = [\"signer.internal\"]",
            "payload = \"signed\"",
            "",
        )))
        .await
        .unwrap();
    assert_eq!(client.get("/@a/bucket/key").await, 200);
    assert!(Arc::ptr_eq(&first, &set().await));
    assert_eq!(opened(), 1);

    // Other timeouts: another pool, the same credentials.
    proxy
        .reload(Ok(config(&service, "", "timeouts = { connect = \"9s\" }", "")))
        .await
        .unwrap();
    assert_eq!(client.get("/@a/bucket/key").await, 200);
    assert!(Arc::ptr_eq(&first, &set().await));
    assert_eq!(opened(), 2);

    // Another secret, of the same length and kept in the same place: other credentials.
    let toml = toml(&service, "", "timeouts = { connect = \"9s\" }", "").replace("wJalr", "wJalR");
    proxy
        .reload(Ok(Config::from_toml(&toml, &Environment::empty()).unwrap()))
        .await
        .unwrap();
    let second = set().await;
    assert!(!Arc::ptr_eq(&first, &second));
    assert_eq!(second.secret_access_key.expose(), "wJalR");
    assert_eq!(client.get("/@a/bucket/key").await, 200);
    assert_eq!(opened(), 2);
}

#[tokio::test]
async fn limits_apply_to_clients_that_come_after_the_reload() {
    let service = Service::start(0).await;
    service.open();
    let proxy = Proxy::start(config(&service, "", "", "")).await.unwrap();
    let addr = proxy.addr().unwrap();
    let mut before = Client::connect(addr).await;
    assert_eq!(before.get("/@a/bucket/key").await, 200);
    proxy
        .reload(Ok(config(&service, "max_header_bytes = \"8KiB\"", "", "")))
        .await
        .unwrap();
    let long = format!("/@a/bucket/{}", "k".repeat(12 * 1024));
    assert_eq!(before.get(&long).await, 200);
    assert_eq!(Client::connect(addr).await.get(&long).await, 431);
}

#[tokio::test]
async fn a_proxy_that_stops_takes_no_other_configuration() {
    let service = Service::start(0).await;
    let proxy = Proxy::start(config(&service, "", "", "")).await.unwrap();
    proxy.shutdown().await;
    let late = proxy.reload(Ok(config(&service, "", "", ""))).await;
    assert!(matches!(late, Err(ReloadError::Stopping)));
    assert!(TcpStream::connect(proxy.addr().unwrap()).await.is_err());
}
