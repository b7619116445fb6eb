//! Whose hosts a connection signs for, and what its clients learn of others.

mod fields;

use sandbox::principals::REPORTER;
use sandbox::{Sandbox, SandboxSettings};
use signing_proxy::app::Proxy;

use crate::support::world::{connection, proxy};
use crate::support::{Recorder, Wire, ask};

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

async fn rejection(proxy: &Proxy, is_own: bool, request: &str) -> (u16, String, String) {
    let address = if is_own {
        proxy.connection_addr(&"mine".parse().unwrap())
    } else {
        proxy.addr()
    };
    let request = request.replace("\r\n\r\n", "\r\nAccept: application/json\r\n\r\n");
    ask(address.unwrap(), request).await.rejection()
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
        let (status, code, hint) = rejection(&proxy, true, request).await;
        assert!(status >= 400, "{request}");
        for word in ["bank-of-x", "eu-central-1", "dynamodb"] {
            assert!(!hint.contains(word), "{code}: {hint}");
        }
    }
    let named = |name: &str| format!("GET / HTTP/1.1\r\nHost: localhost\r\nx-signing-proxy-connection: {name}\r\n\r\n");
    let of_none = rejection(&proxy, true, &named("zzz")).await;
    let of_another = rejection(&proxy, true, &named("secret-customer-bank-of-x")).await;
    assert_eq!(of_none, of_another, "whether there is one shows");
}

#[tokio::test]
async fn the_shared_listener_names_no_connection_where_it_must_not() {
    let listing = proxy(SEVERAL).await;
    let request = "GET /@zzz/ HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let (_, _, hint) = rejection(&listing, false, request).await;
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
        let (_, code, hint) = rejection(&quiet, false, request).await;
        assert!(!hint.contains("bank-of-x") && !hint.contains("mine"), "{code}: {hint}");
    }
}

/// What the HTTP proxy in front responds to every tunnel: whether a tunnel was requested is all that counts.
const NO_TUNNEL: &str = "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n";

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

/// A proxy with a connection to AWS of this service, whose account is 111122223333, and the tunnels that it asks for.
async fn to_aws(service: &str, more: &str) -> (Recorder, Proxy) {
    let tunnels = Recorder::start(NO_TUNNEL).await;
    let proxy = proxy(&format!(
        "[upstream]\nhttps_proxy = \"http://{}\"\n[connections.it]\nservice = \"{service}\"\nregion = \"us-east-1\"\n\
         listen = \"127.0.0.1:0\"\naccount = \"111122223333\"\n{more}\n[connections.it.auth]\nmethod = \"access-key\"\n\
         access_key_id = \"AKIDIT\"\nsecret_access_key = \"s\"\n",
        tunnels.address
    ))
    .await;
    (tunnels, proxy)
}

/// A request for the host in every way that a client can name one.
fn ways(host: &str, target: &str, more: &str) -> Vec<(bool, String)> {
    let more = format!("Accept: application/json\r\n{more}\r\n");
    let by_header = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n{more}");
    let by_url = format!("GET http://{host}{target} HTTP/1.1\r\nHost: {host}\r\n{more}");
    let named =
        format!("GET http://{host}{target} HTTP/1.1\r\nHost: {host}\r\nx-signing-proxy-connection: it\r\n{more}");
    vec![
        (false, by_header.clone()),
        (false, by_url.clone()),
        (false, named),
        (true, by_header),
        (true, by_url),
    ]
}

async fn send(proxy: &Proxy, is_own: bool, request: &str) -> (u16, String, String) {
    let own = proxy.connection_addr(&"it".parse().unwrap());
    let address = if is_own { own } else { proxy.addr() };
    ask(address.unwrap(), request).await.rejection()
}

/// Every way to the host is rejected, the error names host and key, and no tunnel is requested.
async fn is_rejected(service: &str, host: &str, target: &str, more: &str, named: &str) {
    let (mut tunnels, proxy) = to_aws(service, "").await;
    for (is_own, request) in ways(host, target, more) {
        let (status, code, hint) = send(&proxy, is_own, &request).await;
        assert_eq!((status, code.as_str()), (403, "host-not-listed"), "{request}: {hint}");
        assert!(hint.contains(named) && hint.contains("connections.it.hosts"), "{hint}");
        assert!(tunnels.is_untouched(), "{request} went out");
    }
}

/// The request goes out, to this host.
async fn goes_out(service: &str, keys: &str, host: &str, target: &str, more: &str) {
    let (mut tunnels, proxy) = to_aws(service, keys).await;
    let (_, request) = ways(host, target, more).remove(1);
    let (_, code, hint) = send(&proxy, false, &request).await;
    assert_eq!(code, "upstream-unreachable", "{host}{target}: {hint}");
    assert_eq!(tunnels.take().await.target, format!("{host}:443"));
}

/// Hosts of others, each with its service.
const OTHERS: [(&str, &str); 25] = [
    ("lambda", "attackerid.lambda-url.us-east-1.on.aws"),
    ("execute-api", "attackerapi.execute-api.us-east-1.amazonaws.com"),
    // In a VPC it is an endpoint's.
    ("execute-api", "execute-api.us-east-1.amazonaws.com"),
    (
        "execute-api",
        "attackerapi-vpce-0ab.execute-api.us-east-1.amazonaws.com",
    ),
    ("vpc-lattice-svcs", "x-0a1b.7d67968.vpc-lattice-svcs.us-east-1.on.aws"),
    ("appsync", "attacker.appsync-api.us-east-1.amazonaws.com"),
    ("appsync", "attacker.appsync-realtime-api.us-east-1.amazonaws.com"),
    (
        "bedrock-agentcore",
        "attacker.gateway.bedrock-agentcore.us-east-1.amazonaws.com",
    ),
    ("es", "search-attacker.us-east-1.es.amazonaws.com"),
    ("es", "attacker.aos.us-east-1.on.aws"),
    ("aoss", "attacker.us-east-1.aoss.amazonaws.com"),
    ("cloudsearchdomain", "doc-attacker.us-east-1.cloudsearch.amazonaws.com"),
    ("neptune-db", "db.cluster-attacker.us-east-1.neptune.amazonaws.com"),
    ("data-ats.iot", "attacker-ats.iot.us-east-1.amazonaws.com"),
    ("data.mediastore", "attacker.data.mediastore.us-east-1.amazonaws.com"),
    ("dynamodb", "999999999999.ddb.us-east-1.amazonaws.com"),
    ("kinesis", "999999999999.data-kinesis.us-east-1.amazonaws.com"),
    ("s3-control", "999999999999.s3-control.us-east-1.amazonaws.com"),
    ("s3", "point-999999999999.s3-accesspoint.us-east-1.amazonaws.com"),
    (
        "s3-object-lambda",
        "point-999999999999.s3-object-lambda.us-east-1.amazonaws.com",
    ),
    ("s3", "bucket.vpce-0ab-cd.s3.us-east-1.vpce.amazonaws.com"),
    ("sts", "vpce-0ab-cd.sts.us-east-1.vpce.amazonaws.com"),
    ("dynamodb", "vpce-0ab-cd.dynamodb.us-east-1.vpce.amazonaws.com"),
    ("execute-api", "vpce-0ab-cd.execute-api.us-east-1.vpce.amazonaws.com"),
    ("events", "attacker.abc.endpoint.events.amazonaws.com"),
];

#[tokio::test]
async fn nothing_is_signed_for_hosts_of_others() {
    for (service, host) in OTHERS {
        is_rejected(service, host, "/", "", host).await;
    }
}

#[tokio::test]
async fn hosts_that_are_listed_are_signed_for() {
    for (service, host) in OTHERS {
        // The last one may be signed for by SigV4a, which takes other keys.
        goes_out(
            service,
            &format!("hosts = [\"{}\"]", host.to_ascii_uppercase()),
            host,
            "/",
            "",
        )
        .await;
    }
    for (service, pattern, host) in [
        (
            "lambda",
            "*.lambda-url.us-east-1.on.aws",
            "abc.lambda-url.us-east-1.on.aws",
        ),
        (
            "s3",
            "*.vpce-0ab-cd.s3.us-east-1.vpce.amazonaws.com",
            "a.b.bucket.vpce-0ab-cd.s3.us-east-1.vpce.amazonaws.com",
        ),
    ] {
        goes_out(service, &format!("hosts = [\"{pattern}\"]"), host, "/", "").await;
    }
    let (mut tunnels, proxy) = to_aws("lambda", "hosts = [\"abc.lambda-url.us-east-1.on.aws\"]").await;
    let (_, request) = ways("xabc.lambda-url.us-east-1.on.aws", "/", "").remove(0);
    assert_eq!(send(&proxy, false, &request).await.1, "host-not-listed");
    assert!(tunnels.is_untouched());
}

#[tokio::test]
async fn the_connections_own_account_is_accepted() {
    for (service, host) in [
        ("s3-control", "111122223333.s3-control.us-east-1.amazonaws.com"),
        ("dynamodb", "111122223333.ddb.us-east-1.amazonaws.com"),
        ("s3", "point-111122223333.s3-accesspoint.us-east-1.amazonaws.com"),
        // Of AWS itself.
        ("s3", "bucket.s3.us-east-1.amazonaws.com"),
        ("lambda", "lambda.us-east-1.amazonaws.com"),
    ] {
        goes_out(service, "", host, "/k", "").await;
    }
}

#[tokio::test]
async fn access_points_by_arn_and_accounts_in_headers_are_compared_too() {
    let point = "point-999999999999.s3-accesspoint.us-east-1.amazonaws.com";
    let host = "s3.us-east-1.amazonaws.com";
    for target in [
        "/arn:aws:s3:us-east-1:999999999999:accesspoint/point/k",
        "/arn%3Aaws%3As3%3Aus-east-1%3A999999999999%3Aaccesspoint%2Fpoint/k",
        "/arn:aws:s3:us-east-1:999999999999:accesspoint:point/k",
    ] {
        is_rejected("s3", host, target, "", point).await;
        goes_out("s3", &format!("hosts = [\"{point}\"]"), host, target, "").await;
        goes_out("s3", "", host, &target.replace("999999999999", "111122223333"), "").await;
    }
    let source = "x-amz-copy-source: arn:aws:s3:us-east-1:999999999999:accesspoint/point/object/k\r\n";
    is_rejected("s3", host, "/b/k", source, point).await;
    let control = "s3-control.us-east-1.amazonaws.com";
    let header = "x-amz-account-id: 999999999999\r\n";
    is_rejected(
        "s3-control",
        control,
        "/v20180820/jobs",
        header,
        &format!("999999999999.{control}"),
    )
    .await;
    goes_out(
        "s3-control",
        "",
        control,
        "/v20180820/jobs",
        &header.replace('9', "1").replace("111111111111", "111122223333"),
    )
    .await;
}

/// What `bucket_addressing = "virtual"` makes of a path is a host like any other.
#[tokio::test]
async fn a_path_that_becomes_anothers_host_is_rejected() {
    for (service, label) in [
        ("s3-control", "999999999999"),
        ("s3-object-lambda", "point-999999999999"),
    ] {
        let (mut tunnels, proxy) = to_aws(service, "bucket_addressing = \"virtual\"").await;
        let request = format!("GET /{label}/k HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n\r\n");
        for (is_own, request) in [
            (true, request.clone()),
            (false, request.replace("/9", "/@it/9").replace("/p", "/@it/p")),
        ] {
            let (_, code, hint) = send(&proxy, is_own, &request).await;
            assert_eq!(code, "host-not-listed", "{request}: {hint}");
            assert!(tunnels.is_untouched());
        }
    }
}

/// Where neither `account` nor a role says it, STS does; where nobody does, nothing is signed for.
#[tokio::test]
async fn sts_is_called_for_the_account_where_nothing_else_names_it() {
    let sandbox = Sandbox::start(SandboxSettings::default()).await.unwrap();
    let tunnels = Recorder::start(NO_TUNNEL).await;
    let toml = |sts: &str| {
        let (key, secret) = (REPORTER.access_key_id, REPORTER.secret_access_key);
        format!(
            "[sts]\nendpoint = \"http://{sts}\"\n[upstream]\nhttps_proxy = \"http://{}\"\n[connections.it]\n\
             service = \"dynamodb\"\nregion = \"us-east-1\"\n[connections.it.auth]\nmethod = \"access-key\"\n\
             access_key_id = \"{key}\"\nsecret_access_key = \"{secret}\"\n",
            tunnels.address
        )
    };
    let of = |account: &str| {
        ways(&format!("{account}.ddb.us-east-1.amazonaws.com"), "/", "")
            .remove(0)
            .1
    };
    let known = proxy(&toml(&sandbox.sts().to_string())).await;
    // REPORTER's.
    assert_eq!(send(&known, false, &of("111122223333")).await.1, "upstream-unreachable");
    assert_eq!(send(&known, false, &of("999999999999")).await.1, "host-not-listed");
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let unknown = proxy(&toml(&closed.to_string())).await;
    let (_, code, hint) = send(&unknown, false, &of("111122223333")).await;
    assert_eq!(code, "host-not-listed");
    assert!(hint.contains("account is not known"), "{hint}");
}

async fn owned(more: &str) -> (Recorder, Proxy) {
    let store = Recorder::start(OK).await;
    let keys = format!("account = \"111122223333\"\nexpected_bucket_owner = \"account\"\n{more}");
    let proxy = proxy(&connection("it", "s3", &format!("http://{}", store.address), &keys)).await;
    (store, proxy)
}

#[tokio::test]
async fn s3_is_sent_the_expected_bucket_owner() {
    const OWNER: &str = "x-amz-expected-bucket-owner";
    const SOURCE: &str = "x-amz-source-expected-bucket-owner";
    let (mut store, proxy) = owned("").await;
    let own = Some("111122223333");
    for (line, more, owner, source) in [
        ("GET /b/k", "", own, None),
        ("HEAD /b", "", own, None),
        ("PUT /b/k", "Content-Length: 0\r\n", own, None),
        ("GET /b?acl", "", own, None),
        ("PUT /b?versioning", "Content-Length: 0\r\n", own, None),
        (
            "PUT /b/k",
            "Content-Length: 0\r\nx-amz-copy-source: other/k\r\n",
            own,
            own,
        ),
        ("GET /b/k", "x-amz-expected-bucket-owner: 111122223333\r\n", own, None),
        ("GET /", "", None, None),
        ("PUT /b", "Content-Length: 0\r\n", None, None),
    ] {
        let mut wire = Wire::connect(proxy.addr().unwrap()).await;
        wire.send(format!("{line} HTTP/1.1\r\nHost: localhost\r\n{more}\r\n"))
            .await;
        let seen = store.take().await;
        assert_eq!(
            (seen.header(OWNER), seen.header(SOURCE)),
            (owner, source),
            "{line} {more}"
        );
        let signed = seen.signed_headers();
        assert_eq!(signed.contains(&OWNER), owner.is_some(), "{line}");
        assert_eq!(signed.contains(&SOURCE), source.is_some(), "{line}");
    }
    for (target, more) in [
        ("/b/k", "x-amz-expected-bucket-owner: 999999999999\r\n"),
        (
            "/b/k",
            "x-amz-expected-bucket-owner: 111122223333\r\nx-amz-expected-bucket-owner: 999999999999\r\n",
        ),
        ("/b/k", "x-amz-source-expected-bucket-owner: 999999999999\r\n"),
        ("/b/k?x-amz-Expected-Bucket-owner=999999999999", ""),
    ] {
        let request = format!("GET {target} HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n{more}\r\n");
        let (status, code, _) = ask(proxy.addr().unwrap(), request).await.rejection();
        assert_eq!(
            (status, code.as_str()),
            (403, "bucket-owner-mismatch"),
            "{target} {more}"
        );
        assert!(store.is_untouched());
    }
}
