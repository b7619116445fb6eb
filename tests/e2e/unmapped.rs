//! Requests whose meaning is not certain are rejected on a connection with a policy, however much that allows: each
//! rejection of the mapping, seen through the proxy, which changes a head before the mapping reads it.

mod forms;
mod services;

use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::world::{connection, sandbox};
use crate::support::{LONGEST_WAIT, World, ask};

const EVERYTHING: &str =
    r#"allow = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}'"#;

const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";

/// Request line, headers besides `Host` and the framing, body, and a part of the hint.
type Row = (&'static str, String, &'static [u8], &'static str);

fn row(line: &'static str, headers: &[&str], body: &'static str, hint: &'static str) -> Row {
    (line, headers.concat(), body.as_bytes(), hint)
}

/// Sends each row with its length and again in chunks; a row without a body once.
async fn all_are_rejected(service: &str, rows: &[Row]) {
    let more = format!("account = \"123456789012\"\nvend_credentials = [\"*\"]\n{EVERYTHING}\n");
    let mut world = World::with_one("only", service, &more).await;
    for (line, headers, body, hint) in rows {
        let head = format!("{line} HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n{headers}");
        let framed = |framing: String, rest: &[u8]| [head.as_bytes(), framing.as_bytes(), b"\r\n", rest].concat();
        let mut requests = vec![framed(String::new(), b"")];
        if !body.is_empty() {
            let chunks = [format!("{:x}\r\n", body.len()).as_bytes(), body, b"\r\n0\r\n\r\n"].concat();
            requests = vec![
                framed(format!("Content-Length: {}\r\n", body.len()), body),
                framed("Transfer-Encoding: chunked\r\n".to_owned(), &chunks),
            ];
        }
        for request in requests {
            let what = String::from_utf8_lossy(&request).into_owned();
            let (status, code, given) = ask(world.address(), &request).await.rejection();
            assert_eq!((status, code.as_str()), (403, "action-unknown"), "{what}: {given}");
            assert!(given.contains(hint), "{what}: {given}");
            let seen = world.events.drain();
            assert!(seen.is_empty(), "{what}: {seen:#?}");
        }
    }
}

/// `Content-Length: 0`, an empty chunked body and an ended stream are no body: old clients send them.
#[tokio::test]
async fn a_get_without_a_byte_of_body_is_a_plain_get() {
    let more = format!("account = \"123456789012\"\n{EVERYTHING}\n");
    for (service, target, more) in [
        ("ec2", "/?Action=DescribeInstances&Version=2016-11-15", more.as_str()),
        ("ec2", "/?Action=DescribeInstances&Version=2016-11-15", ""),
        ("sts", "/?Action=GetCallerIdentity&Version=2011-06-15", more.as_str()),
        ("sts", "/?Action=GetCallerIdentity&Version=2011-06-15", ""),
        ("s3", "/sandbox-bucket?list-type=2", more.as_str()),
    ] {
        let mut world = World::with_one("only", service, more).await;
        for framing in ["", "Content-Length: 0\r\n", "Transfer-Encoding: chunked\r\n"] {
            let end = if framing.starts_with('T') { "0\r\n\r\n" } else { "" };
            let request = format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n{framing}\r\n{end}");
            let response = ask(world.address(), &request).await;
            assert_eq!(
                response.header("x-signing-proxy-error"),
                None,
                "{request}: {}",
                response.text()
            );
            world.accepted(service);
        }
    }
}

/// With and without a policy, by every framing: what nobody has read is not sent.
#[tokio::test]
async fn a_form_behind_a_get_is_never_sent() {
    let more = format!("account = \"123456789012\"\n{EVERYTHING}\n");
    for (service, action, hidden) in [
        (
            "ec2",
            "DescribeVpcs&Version=2016-11-15",
            "Action=CreateInternetGateway&Version=2016-11-15",
        ),
        (
            "sts",
            "GetCallerIdentity&Version=2011-06-15",
            "Action=GetSessionToken&Version=2011-06-15",
        ),
    ] {
        for more in [more.as_str(), ""] {
            let mut world = World::with_one("only", service, more).await;
            for method in ["GET", "PUT", "DELETE", "OPTIONS", "PATCH"] {
                let head = format!(
                    "{method} /?Action={action} HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n{FORM}"
                );
                let length = hidden.len();
                for request in [
                    format!("{head}Content-Length: {length}\r\n\r\n{hidden}"),
                    format!("{head}Transfer-Encoding: chunked\r\n\r\n{length:x}\r\n{hidden}\r\n0\r\n\r\n"),
                    format!(
                        "{head}Transfer-Encoding: chunked\r\nContent-Encoding: aws-chunked\r\n\r\n{:x}\r\n{length:x}\r\n{hidden}\r\n0\r\n\r\n\r\n0\r\n\r\n",
                        format!("{length:x}\r\n{hidden}\r\n0\r\n\r\n").len()
                    ),
                ] {
                    let (status, code, _) = ask(world.address(), &request).await.rejection();
                    assert_eq!((status, code.as_str()), (400, "body-unexpected"), "{request}");
                    let seen = world.events.drain();
                    assert!(seen.is_empty(), "{request}: {seen:#?}");
                }
            }
        }
    }
}

/// Over HTTP/2 a body needs no length: an ended stream and an empty last frame are none, a byte is one.
#[tokio::test]
async fn over_http2_the_first_byte_decides() {
    let more = format!("account = \"123456789012\"\n{EVERYTHING}\n");
    for more in [more.as_str(), ""] {
        let mut world = World::with_one("only", "ec2", more).await;
        for (frames, is_rejected) in [
            (&[][..], false),
            (&[""][..], false),
            (&["", ""][..], false),
            (&["A"][..], true),
            (&["", "", "Action=CreateVpc"][..], true),
        ] {
            let socket = TcpStream::connect(world.address()).await.expect("somebody listens");
            let (mut client, connection) = h2::client::handshake(socket).await.expect("HTTP/2");
            let driver = tokio::spawn(connection);
            let target = "http://localhost/?Action=DescribeInstances&Version=2016-11-15";
            let request = http::Request::get(target).body(()).expect("a request");
            let (response, mut body) = client.send_request(request, frames.is_empty()).expect("a stream");
            for (number, frame) in frames.iter().enumerate() {
                // The proxy may have sent a byte of its response already.
                let _ = body.send_data((*frame).into(), number + 1 == frames.len());
            }
            let response = timeout(LONGEST_WAIT, response)
                .await
                .expect("in time")
                .expect("a response");
            let code = response
                .headers()
                .get("x-signing-proxy-error")
                .map(|code| code.to_str().expect("text"));
            assert_eq!(code, is_rejected.then_some("body-unexpected"), "{frames:?}");
            let seen = world.events.drain();
            assert_eq!(seen.is_empty(), is_rejected, "{frames:?}: {seen:#?}");
            driver.abort();
        }
    }
}

/// SQS and `CloudWatch` take forms besides what their SDKs send.
#[tokio::test]
async fn services_that_take_forms_too_get_none_behind_a_get() {
    for service in ["sqs", "monitoring"] {
        let sandbox = sandbox().await;
        let endpoint = format!("http://{}", sandbox.service("s3").expect("a service of the sandbox"));
        let mut world = World::with(sandbox, &connection("only", service, &endpoint, "")).await;
        let request =
            "GET /?Action=ListQueues HTTP/1.1\r\nHost: localhost\r\nContent-Length: 18\r\n\r\nAction=DeleteQueue";
        let response = ask(world.address(), request).await;
        assert_eq!(
            response.header("x-signing-proxy-error"),
            Some("body-unexpected"),
            "{}",
            response.text()
        );
        assert!(world.events.drain().is_empty());
    }
}

/// A body beyond every bound is never read, so it waits for no memory to be read with: more than there ever is.
#[tokio::test]
async fn a_body_beyond_every_bound_is_rejected_without_memory_for_it() {
    let allow = format!("account = \"123456789012\"\n{EVERYTHING}\n");
    for (service, more, code, hint) in [
        ("ec2", allow.as_str(), "action-unknown", "more than 1048576 bytes"),
        ("sts", "", "credentials-not-vended", "more than 1048576 bytes"),
        (
            "bedrock-runtime",
            allow.as_str(),
            "action-unknown",
            "more than 25000000 bytes",
        ),
    ] {
        let mut world = World::with_one("only", service, more).await;
        let target = if service == "bedrock-runtime" {
            "/model/acme.words-v1%3A0/invoke"
        } else {
            "/"
        };
        let length = 30 << 20;
        let head = format!(
            "POST {target} HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n{FORM}\
             Transfer-Encoding: chunked\r\n\r\n{length:x}\r\n"
        );
        let request = [head.as_bytes(), &vec![b'a'; length], b"\r\n0\r\n\r\n"].concat();
        let (status, found, given) = ask(world.address(), &request).await.rejection();
        assert_eq!((status, found.as_str()), (403, code), "{service}: {given}");
        assert!(given.contains(hint), "{service}: {given}");
        assert!(world.events.drain().is_empty(), "{service}");
    }
}
