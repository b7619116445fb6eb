//! Whose hosts a connection signs for, and what its clients learn of others.

use signing_proxy::server::Proxy;

use crate::support::ask;
use crate::support::world::proxy;

const SEVERAL: &str = r#"
[connections.mine]
service = "s3"
region = "us-east-1"
listen = "127.0.0.1:0"
auth = { method = "access-key", access_key_id = "AKIDMINE", secret_access_key = "s" }
[connections.secret-customer-bank-of-x]
service = "dynamodb"
region = "eu-central-1"
endpoint = "https://tables.bank-of-x.internal:8443"
auth = { method = "access-key", access_key_id = "AKIDOTHER", secret_access_key = "s" }
"#;

async fn told(proxy: &Proxy, is_own: bool, request: &str) -> (u16, String, String) {
    let address = if is_own {
        proxy.connection_addr(&"mine".parse().unwrap())
    } else {
        proxy.addr()
    };
    let request = request.replace("\r\n\r\n", "\r\nAccept: application/json\r\n\r\n");
    ask(address.unwrap(), request).await.refusal()
}

#[tokio::test]
async fn clients_of_one_connections_listener_learn_nothing_of_others() {
    let proxy = proxy(SEVERAL).await;
    for request in [
        "GET / HTTP/1.1\r\nHost: localhost\r\nx-signing-proxy-connection: zzz\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: localhost\r\nx-signing-proxy-connection: secret-customer-bank-of-x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: localhost\r\nx-signing-proxy-connection: a\r\nx-signing-proxy-connection: b\r\n\r\n",
        "GET http://dynamodb.eu-central-1.amazonaws.com/ HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET http://tables.bank-of-x.internal:8443/ HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: tables.bank-of-x.internal:8443\r\n\r\n",
    ] {
        let (status, code, hint) = told(&proxy, true, request).await;
        assert!(status >= 400, "{request}");
        for word in ["bank-of-x", "eu-central-1", "dynamodb"] {
            assert!(!hint.contains(word), "{code}: {hint}");
        }
    }
    let named = |name: &str| format!("GET / HTTP/1.1\r\nHost: localhost\r\nx-signing-proxy-connection: {name}\r\n\r\n");
    let of_none = told(&proxy, true, &named("zzz")).await;
    let of_another = told(&proxy, true, &named("secret-customer-bank-of-x")).await;
    assert_eq!(of_none, of_another, "whether there is one shows");
}

#[tokio::test]
async fn the_shared_listener_names_no_connection_where_it_must_not() {
    let listing = proxy(SEVERAL).await;
    let request = "GET /@zzz/ HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let (_, _, hint) = told(&listing, false, request).await;
    assert!(
        hint.contains("secret-customer-bank-of-x (dynamodb, eu-central-1)"),
        "{hint}"
    );
    let quiet = proxy(&format!("list_connections = false\n{SEVERAL}")).await;
    for request in [
        request,
        "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: localhost\r\nx-signing-proxy-connection: zzz\r\n\r\n",
    ] {
        let (_, code, hint) = told(&quiet, false, request).await;
        assert!(!hint.contains("bank-of-x") && !hint.contains("mine"), "{code}: {hint}");
    }
}
