//! What the admin listener responds.

use std::time::UNIX_EPOCH;

use auth_model::{AuthMethod, Connection, ConnectionName, KeyAssets, KeyParts, Region, ServiceId, SystemClock};
use credential_assets::{Assets, FixedEnvironment};
use http_body_util::BodyExt;
use proxy_config::{Config, Environment};
use serde_json::Value;
use sts_client::StsSettings;

use super::*;

/// A connection whose credentials were not requested yet.
fn never_requested() -> (Connection, CredentialSource) {
    let connection = Connection {
        name: ConnectionName::parse("reports").unwrap(),
        service: ServiceId::parse("s3").unwrap(),
        region: Region::parse("eu-west-1").unwrap(),
        signing_name: None,
        auth: AuthMethod::AccessKey {
            keys: KeyAssets::Parts(KeyParts {
                access_key_id: "AKIAIOSFODNN7EXAMPLE".parse().unwrap(),
                secret_access_key: "literal:wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".parse().unwrap(),
                session_token: None,
            }),
        },
    };
    let assets = Assets::new(FixedEnvironment::from_iter([("", "")]));
    let source = CredentialSource::new(&connection, assets, &StsSettings::default(), Arc::new(SystemClock)).unwrap();
    (connection, source)
}

fn admin() -> Admin {
    let (connection, source) = never_requested();
    let metrics = Metrics::new();
    let toml = "[connections.a]\nservice = \"s3\"\nregion = \"eu-west-1\"\nauth = { method = \"default-chain\" }";
    let config = Config::from_toml(toml, &Environment::empty()).unwrap();
    let loads = Loads::new(&config, UNIX_EPOCH, &metrics);
    metrics.watch_connections([(&connection, source.clone())]);
    let watched = vec![WatchedConnection { connection, source }];
    Admin::new(Readiness::new(), watched, metrics, Guard::new(&config), loads)
}

fn send(admin: &Admin, method: &Method, target: &str) -> Response<Full<Bytes>> {
    admin.respond(
        &Request::builder()
            .method(method)
            .uri(target)
            .header("host", "localhost")
            .body(())
            .unwrap(),
    )
}

async fn body(response: Response<Full<Bytes>>) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

#[track_caller]
fn check(target: &str, method: &Method, want: StatusCode) {
    assert_eq!(send(&admin(), method, target).status(), want, "{method} {target}");
}

#[test]
fn probes_are_served_to_get_and_head_only() {
    for target in ["/livez", "/readyz", "/version", "/metrics"] {
        check(target, &Method::GET, StatusCode::OK);
        check(target, &Method::HEAD, StatusCode::OK);
        check(target, &Method::POST, StatusCode::METHOD_NOT_ALLOWED);
    }
    check("/", &Method::GET, StatusCode::NOT_FOUND);
    check("/@reports/key", &Method::GET, StatusCode::NOT_FOUND);
}

#[test]
fn web_pages_are_rejected() {
    let request = Request::get("/metrics")
        .header("host", "evil.example")
        .body(())
        .unwrap();
    let response = admin().respond(&request);
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    assert_eq!(response.headers()["x-signing-proxy-error"], "gateway-host-rejected");
}

#[tokio::test]
async fn readyz_flips_when_the_shutdown_begins_and_livez_does_not() {
    let admin = admin();
    admin.readiness.clone().end();
    let response = send(&admin, &Method::GET, "/readyz");
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    let report: Value = serde_json::from_str(&body(response).await).unwrap();
    assert_eq!(
        (&report["ready"], &report["state"]),
        (&Value::from(false), &Value::from("draining"))
    );
    assert_eq!(send(&admin, &Method::GET, "/livez").status(), StatusCode::OK);
}

#[tokio::test]
async fn readyz_tells_the_state_of_each_connections_credentials() {
    let admin = admin();
    let report: Value = serde_json::from_str(&body(send(&admin, &Method::GET, "/readyz")).await).unwrap();
    assert_eq!(report["ready"], true);
    assert_eq!(
        report["connections"]["reports"]["credentials"]["state"],
        "not-requested-yet"
    );
    assert_eq!(
        send(&admin, &Method::GET, "/readyz?connection=reports").status(),
        StatusCode::SERVICE_UNAVAILABLE
    );
    assert_eq!(
        send(&admin, &Method::GET, "/readyz?connection=none").status(),
        StatusCode::NOT_FOUND
    );

    admin.connections[0].source.credentials().await.unwrap();
    let response = send(&admin, &Method::GET, "/readyz?connection=reports");
    assert_eq!(response.status(), StatusCode::OK);
    let text = body(response).await;
    let report: Value = serde_json::from_str(&text).unwrap();
    let reports = &report["connections"]["reports"];
    assert_eq!(reports["credentials"]["state"], "valid");
    assert_eq!(
        (&reports["service"], &reports["region"]),
        (&Value::from("s3"), &Value::from("eu-west-1"))
    );
    assert!(!text.contains("AKIA") && !text.contains("wJalr"), "{text}");
}

#[tokio::test]
async fn the_version_is_there_for_operators() {
    let admin = admin();
    let response = send(&admin, &Method::GET, "/version");
    assert_eq!(response.headers()[CONTENT_TYPE], "application/json");
    let version: Value = serde_json::from_str(&body(response).await).unwrap();
    assert_eq!(version["name"], "signing-proxy");
    assert_eq!(version["version"], env!("CARGO_PKG_VERSION"));
    let features = version["features"].as_array().unwrap();
    assert_eq!(features.contains(&Value::from("sandbox")), cfg!(feature = "sandbox"));
    assert!(version["commit"].is_null() || version["commit"].is_string());
    let ready: Value = serde_json::from_str(&body(send(&admin, &Method::GET, "/readyz")).await).unwrap();
    assert_eq!(ready["version"], env!("CARGO_PKG_VERSION"));
}

#[tokio::test]
async fn metrics_tell_of_credentials_in_the_form_that_is_preferred() {
    let admin = admin();
    admin.connections[0].source.credentials().await.unwrap();
    for (accept, content_type, is_open_metrics) in [
        (None, "text/plain; version=0.0.4; charset=utf-8", false),
        (Some("*/*"), "text/plain; version=0.0.4; charset=utf-8", false),
        (
            Some("application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"),
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
            true,
        ),
    ] {
        let mut request = Request::get("/metrics").header("host", "localhost").body(()).unwrap();
        if let Some(accept) = accept {
            request.headers_mut().insert("accept", HeaderValue::from_static(accept));
        }
        let response = admin.respond(&request);
        assert_eq!(response.headers()[CONTENT_TYPE], content_type);
        assert_eq!(response.headers()[VARY], "accept");
        let text = body(response).await;
        for line in [
            "signing_proxy_credentials_valid{connection=\"reports\"} 1\n",
            "signing_proxy_credentials_obtained_total{connection=\"reports\"} 1\n",
        ] {
            assert!(text.contains(line), "{text}");
        }
        assert_eq!(text.ends_with("# EOF\n"), is_open_metrics, "{text}");
    }
}
