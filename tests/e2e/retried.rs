//! Services that break the first attempt at a request off: what a second one saves, and what must not be sent twice. Counted
//! at the service.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket};

use crate::early::service::identity;
use crate::support::world::{connection, proxy, upstream_trusting};
use crate::support::{Wire, ask};

/// What becomes of the first attempt.
#[derive(Clone, Copy, Debug)]
enum Fault {
    /// The connection ends without a byte.
    Close,
    /// With a reset.
    Reset,
    /// What comes is no HTTP.
    Garbage,
    /// The head ends in its middle.
    HalfHead,
    /// Two lengths.
    Ambiguous,
}

const FAULTS: [Fault; 5] = [
    Fault::Close,
    Fault::Reset,
    Fault::Garbage,
    Fault::HalfHead,
    Fault::Ambiguous,
];

/// A request, and whether a perfect proxy could have saved it. The reason is that of the retry rule (docs/configuration/retry.md).
struct Row {
    connection: &'static str,
    request: &'static str,
    headers: &'static str,
    body: &'static str,
    is_savable: bool,
}

const fn row(connection: &'static str, request: &'static str, headers: &'static str, body: &'static str) -> Row {
    Row {
        connection,
        request,
        headers,
        body,
        is_savable: true,
    }
}

const fn lost(row: Row) -> Row {
    Row {
        is_savable: false,
        ..row
    }
}

const ROWS: [Row; 32] = [
    row("s3", "GET /b/k", "", ""),
    row("s3", "GET /b/k", "If-None-Match: \"e\"", ""),
    row("s3", "HEAD /b/k", "", ""),
    row("s3", "PUT /b/k", "", "an object"),
    row("s3", "PUT /b/k?partNumber=1&uploadId=u", "", "a part"),
    row("s3", "DELETE /b/k", "", ""),
    // It would be begun twice.
    lost(row("s3", "POST /b/k?uploads", "", "")),
    // A second try of one that took effect reports 412.
    lost(row("s3", "PUT /b/k", "If-None-Match: *", "an object")),
    lost(row("s3", "DELETE /b/k", "If-Match: \"e\"", "")),
    lost(row("s3", "PUT /b/k", "x-amz-write-offset-bytes: 0", "appended")),
    lost(row(
        "s3",
        "PUT /b/k",
        "x-amz-copy-source: /b/k\r\nx-amz-copy-source-if-match: \"e\"",
        "",
    )),
    lost(row("s3", "PUT /b/k?renameObject", "x-amz-rename-source: /b/j", "")),
    // Ceph's: a second try of one that took effect reports 409.
    lost(row("s3", "PUT /b/k?append&position=5", "", "appended")),
    row("lambda", "PUT /2015-03-31/functions/f/code", "", "{\"ZipFile\":\"aa\"}"),
    lost(row(
        "lambda",
        "PUT /2015-03-31/functions/f/code",
        "",
        "{\"RevisionId\":\"a\"}",
    )),
    lost(row(
        "lambda",
        "DELETE /2015-03-31/functions/f/policy/s?RevisionId=a",
        "",
        "",
    )),
    row("lambda", "DELETE /2015-03-31/functions/f", "", ""),
    row("ec2", "GET /?Action=DescribeRegions&Version=2016-11-15", "", ""),
    lost(row("ec2", "GET /?Action=RunInstances&Version=2016-11-15", "", "")),
    row("ec2", "POST /", FORM, "Action=DescribeRegions&Version=2016-11-15"),
    lost(row("ec2", "POST /", FORM, "Action=RunInstances&Version=2016-11-15")),
    // Who ends a parameter at a `;` starts instances.
    lost(row(
        "ec2",
        "POST /",
        FORM,
        "Action=DescribeRegions&x=1;Action=RunInstances",
    )),
    row("dynamodb", "POST /", "X-Amz-Target: DynamoDB_20120810.GetItem", "{}"),
    lost(row(
        "dynamodb",
        "POST /",
        "X-Amz-Target: DynamoDB_20120810.PutItem",
        "{}",
    )),
    lost(row(
        "dynamodb",
        "POST /",
        "X-Amz-Target: DynamoDB_20120810.PutItem\r\nX-Amz-Target: DynamoDB_20120810.GetItem",
        "{}",
    )),
    row(
        "workspaces",
        "POST /",
        "X-Amz-Target: WorkspacesService.DescribeWorkspaces",
        "{}",
    ),
    // The name of an operation in the header of another protocol changes nothing.
    row("s3", "GET /b/k", STRAY_WRITE, ""),
    row("s3", "PUT /b/k", STRAY_WRITE, "an object"),
    lost(row("s3", "POST /b/k?uploads", STRAY_READ, "")),
    lost(row(
        "lambda",
        "POST /2015-03-31/functions/f/invocations",
        STRAY_READ,
        "{}",
    )),
    lost(row(
        "ec2",
        "POST /",
        STRAY_READ,
        "Action=RunInstances&Version=2016-11-15",
    )),
    // A model is billed by the request.
    lost(row("lambda", "POST /2015-03-31/functions/f/invocations", "", "{}")),
];

const STRAY_READ: &str = "X-Amz-Target: DynamoDB_20120810.GetItem";

const STRAY_WRITE: &str = "X-Amz-Target: DynamoDB_20120810.PutItem";

const FORM: &str = "Content-Type: application/x-www-form-urlencoded";

/// How often each request came, by its number.
type Counts = Arc<Mutex<HashMap<String, u32>>>;

async fn serve<T: AsyncRead + AsyncWrite + Unpin>(mut socket: T, fault: Fault, counts: Counts) -> Option<T> {
    loop {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(socket.read_u8().await.ok()?);
        }
        let head = String::from_utf8(head).expect("a head in UTF-8").to_ascii_lowercase();
        let field = |name: &str| {
            let line = head.lines().find_map(|line| line.strip_prefix(name));
            line.map(|value| value.trim_start_matches(": ").to_owned())
        };
        let length = field("content-length").map_or(0, |value| value.parse().expect("a length"));
        socket.read_exact(&mut vec![0; length]).await.ok()?;
        let number = field("x-number").expect("a number");
        let count = {
            let mut counts = counts.lock().expect("no panic");
            let count = counts.entry(number.clone()).or_default();
            *count += 1;
            *count
        };
        if number == "warm" || count > 1 {
            let body = if head.starts_with("head ") { "" } else { "done" };
            let response = format!("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n{body}");
            socket.write_all(response.as_bytes()).await.ok()?;
            continue;
        }
        let bytes = match fault {
            Fault::Close | Fault::Reset => "",
            Fault::Garbage => "SSH-2.0-OpenSSH_9\r\n\r\n",
            Fault::HalfHead => "HTTP/1.1 200 OK\r\ncontent-le",
            Fault::Ambiguous => "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        };
        socket.write_all(bytes.as_bytes()).await.ok()?;
        socket.flush().await.ok()?;
        return Some(socket);
    }
}

/// Every row with this fault, on fresh connections and on pooled ones. The requests that ended wrongly.
async fn wrong(fault: Fault, is_tls: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let (acceptor, folder) = is_tls.then(identity).unzip();
    let counts = Counts::default();
    tokio::spawn({
        let counts = Arc::clone(&counts);
        async move {
            while let Ok((socket, _)) = listener.accept().await {
                socket.set_nodelay(true).expect("a socket option");
                let (acceptor, counts) = (acceptor.clone(), Arc::clone(&counts));
                tokio::spawn(async move {
                    let socket = match acceptor {
                        None => serve(socket, fault, counts).await,
                        Some(acceptor) => {
                            let socket = acceptor.accept(socket).await.ok()?;
                            serve(socket, fault, counts).await.map(|socket| socket.into_inner().0)
                        }
                    }?;
                    if matches!(fault, Fault::Reset) {
                        socket.set_zero_linger().expect("a socket option");
                    }
                    Some(())
                });
            }
        }
    });
    // All of the requests meet a fault, so the budget must not be what is tested here.
    let mut toml = "[retry]\nbudget_percent = 100\n".to_owned();
    let scheme = if is_tls { "https" } else { "http" };
    if let Some(folder) = &folder {
        toml.push_str(&upstream_trusting(&folder.path().join("ca.pem")));
    }
    for service in ["s3", "ec2", "dynamodb", "workspaces", "lambda"] {
        toml.push_str(&connection(service, service, &format!("{scheme}://{address}"), ""));
    }
    let proxy = proxy(&toml).await;
    let address = proxy.addr().expect("a listener");
    let mut wrong = String::new();
    for is_pooled in [false, true] {
        for (index, row) in ROWS.iter().enumerate() {
            let number = format!("{index}-{is_pooled}");
            if is_pooled {
                send(address, &ROWS[index], "warm").await;
            }
            let status = send(address, row, &number).await;
            let count = counts.lock().expect("no panic").get(&number).copied();
            let want = if row.is_savable { (200, Some(2)) } else { (502, Some(1)) };
            if (status, count) != want {
                let _ = writeln!(
                    wrong,
                    "{fault:?} TLS {is_tls} pooled {is_pooled}: {} {} {}: {status}, came {count:?} times",
                    row.connection, row.request, row.headers
                );
            }
        }
    }
    wrong
}

async fn send(address: SocketAddr, row: &Row, number: &str) -> u16 {
    let (method, target) = row.request.split_once(' ').expect("a method and a target");
    let headers = if row.headers.is_empty() {
        String::new()
    } else {
        format!("{}\r\n", row.headers)
    };
    let length = match method {
        "GET" | "HEAD" | "DELETE" => String::new(),
        _ => format!("Content-Length: {}\r\n", row.body.len()),
    };
    let request = format!(
        "{method} /@{}{target} HTTP/1.1\r\nHost: localhost\r\nX-Number: {number}\r\n{headers}{length}\r\n{}",
        row.connection, row.body
    );
    ask(address, request).await.status
}

#[tokio::test]
async fn what_is_safe_to_repeat_is_saved_and_nothing_else_is_sent_twice() {
    let mut all_wrong = String::new();
    for is_tls in [false, true] {
        for fault in FAULTS {
            all_wrong.push_str(&wrong(fault, is_tls).await);
        }
    }
    assert_eq!(all_wrong, "");
}

/// A client on an address of its own.
async fn status_for(client: [u8; 4], proxy: SocketAddr, path: &str) -> u16 {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind((client, 0).into()).expect("an address of this machine");
    let mut wire = Wire::on(socket.connect(proxy).await.expect("somebody listens"));
    wire.send(format!("GET /@s3/b/{path} HTTP/1.1\r\nHost: localhost\r\n\r\n"))
        .await;
    wire.head().await.0
}

/// One that makes the service fail has all retries there are; the next one has some as well.
#[tokio::test]
async fn client_whose_requests_always_fail_does_not_take_the_retries_of_others() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        let mut seen = HashSet::new();
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(socket.read_u8().await.expect("a head"));
            }
            let line = String::from_utf8_lossy(&head).lines().next().map(ToOwned::to_owned);
            let line = line.expect("a line");
            if !line.contains("/fails") && !seen.insert(line) {
                let response = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
                socket.write_all(response).await.expect("the proxy reads");
            }
        }
    });
    let proxy = proxy(&connection("s3", "s3", &format!("http://{address}"), "")).await;
    let proxy = proxy.addr().expect("a listener");
    for _ in 0..10 {
        assert_eq!(status_for([127, 0, 0, 2], proxy, "fails").await, 502);
    }
    let mut saved = 0;
    while status_for([127, 0, 0, 1], proxy, &saved.to_string()).await == 200 {
        saved += 1;
    }
    assert_eq!(saved, 5);
    assert_eq!(status_for([127, 0, 0, 3], proxy, "third").await, 200);
}
