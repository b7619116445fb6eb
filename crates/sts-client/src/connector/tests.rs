use aws_endpoints::AddressRules;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;
use crate::error_response::chain_text;
use crate::settings::EgressProxy;

#[track_caller]
fn check(settings: &StsSettings, want: &str) {
    let error = http_client(settings, None).unwrap_err();
    assert_eq!(error.code(), "sts_settings");
    assert!(error.to_string().ends_with(want), "{error}");
}

#[test]
fn roots_that_cannot_be_used_are_an_error_not_a_panic() {
    let with_roots = |pem: &str| StsSettings {
        extra_roots_pem: pem.into(),
        ..StsSettings::default()
    };
    check(&with_roots("x"), "hold no certificate");
    check(
        &with_roots("-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n"),
        "not in PEM form",
    );
    check(
        &with_roots("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"),
        "can be trusted",
    );
    assert!(http_client(&StsSettings::default(), None).is_ok());
}

fn with_proxy(uri: &str) -> StsSettings {
    StsSettings {
        proxy: Some(EgressProxy {
            uri: uri.parse().unwrap(),
            no_proxy: "example.com".into(),
        }),
        ..StsSettings::default()
    }
}

#[test]
fn a_proxy_is_checked_and_its_password_is_not_shown() {
    for uri in ["socks5://proxy:1080", "https://proxy:3128"] {
        check(&with_proxy(uri), "URL with a host");
    }
    let settings = with_proxy("http://user:hunter2@proxy:3128");
    let shown = format!("{settings:?} {:?}", http_client(&settings, None).unwrap());
    assert!(shown.contains("3128") && !shown.contains("hunter2"), "{shown}");
}

#[test]
fn metadata_services_and_this_machine_are_never_reached_through_a_proxy() {
    let proxies = proxies(&with_proxy("http://proxy:3128")).unwrap();
    for (url, is_proxied) in [
        ("https://sts.eu-west-1.amazonaws.com/", true),
        ("http://169.254.169.254/latest/api/token", false),
        ("http://169.254.170.23/v1/credentials", false),
        ("http://[fd00:ec2::254]/latest/api/token", false),
        ("http://localhost:4566/", false),
        ("http://[::1]:4566/", false),
        ("https://sts.example.com/", false),
    ] {
        assert_eq!(proxies.proxy_for(&url.parse().unwrap()).is_some(), is_proxied, "{url}");
    }
}

#[test]
fn sts_is_nowhere_on_this_machine_unless_the_operator_says_so() {
    let sts = "sts.eu-west-1.amazonaws.com";
    let loopback = ["127.0.0.1:443".parse().unwrap()];
    let filter = address_filter(&StsSettings::default());
    let error = filter.allowed(sts, loopback).unwrap_err();
    let text = chain_text(&error);
    assert!(
        text.contains("127.0.0.1") && text.contains("upstream.allow_addresses"),
        "{text}"
    );
    for allowing in [
        StsSettings {
            endpoint: Some(format!("https://{sts}:8443").parse().unwrap()),
            ..StsSettings::default()
        },
        StsSettings {
            addresses: AddressRules::with_allowed(vec!["127.0.0.0/8".parse().unwrap()]),
            ..StsSettings::default()
        },
    ] {
        assert_eq!(address_filter(&allowing).allowed(sts, loopback).unwrap(), loopback);
    }
}

/// One exchange with a server that sends `response` to the first request and closes, or never responds.
async fn exchange(response: Option<&'static str>, read_timeout: Option<Duration>) -> Result<u16, ConnectorError> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        socket.read_buf(&mut Vec::with_capacity(4096)).await.unwrap();
        match response {
            Some(response) => socket.write_all(response.as_bytes()).await.unwrap(),
            None => std::future::pending().await,
        }
    });
    let connectors = connectors(&StsSettings::default()).unwrap();
    let connector = connectors.pool(Duration::from_secs(3), read_timeout);
    let mut request = HttpRequest::empty();
    request.set_uri(format!("http://{address}/")).unwrap();
    connector.call(request).await.map(|response| response.status().as_u16())
}

#[tokio::test]
async fn errors_are_of_the_kinds_that_the_sdk_retries() {
    assert_eq!(
        exchange(Some("HTTP/1.1 204 No Content\r\n\r\n"), None).await.unwrap(),
        204
    );
    let late = exchange(None, Some(Duration::from_millis(20))).await.unwrap_err();
    assert!(late.is_timeout(), "{late:?}");
    let closed = exchange(Some(""), None).await.unwrap_err();
    assert_eq!(closed.as_other(), Some(ErrorKind::TransientError), "{closed:?}");
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let connectors = connectors(&StsSettings::default()).unwrap();
    let mut request = HttpRequest::empty();
    request.set_uri(format!("http://{free}/")).unwrap();
    let refused = connectors
        .pool(Duration::from_secs(3), None)
        .call(request)
        .await
        .unwrap_err();
    assert!(refused.is_io(), "{refused:?}");
}
