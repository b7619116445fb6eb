use credential_assets::{CallOutcome, CallTarget};
use http_server::{ConnectionEnd, ServerObserver as _};
use resource_limits::ListenerRole;
use resource_limits::{Pool, PoolSize};

use super::*;

fn sample(method: &Method) -> RequestSample<'_> {
    RequestSample {
        connection: None,
        service: None,
        method,
        status: Some(StatusCode::FORBIDDEN),
        error: Some("no-connection"),
        aws_error: None,
        upstream_head: None,
        total: Duration::from_millis(20),
        request_bytes: 3,
        response_bytes: 4,
    }
}

#[track_caller]
fn check(metrics: &Metrics, line: &str) {
    let text = metrics.encode().unwrap();
    assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
}

#[test]
fn a_request_is_counted_by_connection_service_method_and_status_class() {
    let metrics = Metrics::new();
    let name = ConnectionName::parse("reports").unwrap();
    let service = ServiceId::parse("s3").unwrap();
    metrics.request_ended(&RequestSample {
        connection: Some(&name),
        service: Some(&service),
        status: Some(StatusCode::NO_CONTENT),
        error: None,
        upstream_head: Some(Duration::from_millis(7)),
        ..sample(&Method::PUT)
    });
    check(
        &metrics,
        r#"signing_proxy_requests_total{connection="reports",service="s3",method="PUT",status="2xx"} 1"#,
    );
    check(
        &metrics,
        r#"signing_proxy_request_body_bytes_total{connection="reports"} 3"#,
    );
    check(
        &metrics,
        r#"signing_proxy_response_body_bytes_total{connection="reports"} 4"#,
    );
    check(
        &metrics,
        r#"signing_proxy_upstream_head_duration_seconds_bucket{le="0.01",connection="reports"} 1"#,
    );
    check(
        &metrics,
        r#"signing_proxy_request_duration_seconds_bucket{le="0.01",connection="reports"} 0"#,
    );
}

#[test]
fn what_clients_invent_does_not_become_a_label() {
    let metrics = Metrics::new();
    let method = Method::from_bytes(b"INVENTED").unwrap();
    metrics.request_ended(&RequestSample {
        status: None,
        ..sample(&method)
    });
    check(
        &metrics,
        r#"signing_proxy_requests_total{connection="",service="",method="other",status="left"} 1"#,
    );
    check(
        &metrics,
        r#"signing_proxy_errors_total{connection="",code="no-connection"} 1"#,
    );
}

#[test]
fn what_is_taken_out_of_the_configuration_is_forgotten() {
    let metrics = Metrics::new();
    let end = |connection: &Connection| {
        metrics.request_ended(&RequestSample {
            connection: Some(&connection.name),
            service: Some(&connection.service),
            upstream_head: Some(Duration::ZERO),
            ..sample(&Method::GET)
        });
    };
    let end_denied = |connection: &Connection| {
        metrics.request_ended(&RequestSample {
            connection: Some(&connection.name),
            service: Some(&connection.service),
            error: None,
            aws_error: Some("AccessDenied"),
            upstream_head: Some(Duration::ZERO),
            ..sample(&Method::GET)
        });
    };
    let (first, source) = never_requested("first", "s3");
    metrics.watch_connections([(&first, source.clone())]);
    let _ = metrics.upstream_connections(&first.name);
    end(&first);
    end_denied(&first);
    check(
        &metrics,
        r#"signing_proxy_errors_total{connection="first",code="no-connection"} 1"#,
    );
    check(
        &metrics,
        r#"signing_proxy_aws_errors_total{connection="first",class="access-denied",code="AccessDenied"} 1"#,
    );
    let before = metrics.encode().unwrap().lines().count();
    for number in 0..100 {
        let (next, source) = never_requested(&format!("next-{number}"), "s3");
        metrics.watch_connections([(&next, source)]);
        let _ = metrics.upstream_connections(&next.name);
        end(&next);
        end_denied(&next);
    }
    let text = metrics.encode().unwrap();
    assert_eq!(text.lines().count(), before, "{text}");
    assert!(!text.contains("first"), "{text}");
    // Its last request may end later.
    end(&first);
    check(
        &metrics,
        r#"signing_proxy_requests_total{connection="",service="",method="GET",status="4xx"} 1"#,
    );
}

#[test]
fn another_service_of_a_connection_takes_the_place_of_the_one_before() {
    let metrics = Metrics::new();
    for service in ["s3", "ec2"] {
        let (connection, source) = never_requested("reports", service);
        metrics.watch_connections([(&connection, source)]);
        metrics.request_ended(&RequestSample {
            connection: Some(&connection.name),
            service: Some(&connection.service),
            ..sample(&Method::GET)
        });
    }
    check(
        &metrics,
        r#"signing_proxy_request_body_bytes_total{connection="reports"} 6"#,
    );
    assert!(!metrics.encode().unwrap().contains("s3"));
}

#[test]
fn gauges_go_down_again() {
    let metrics = Metrics::new();
    metrics.request_started(&ListenerRole::Shared);
    metrics.request_started(&ListenerRole::Admin);
    let client = metrics.connection_opened(&ListenerRole::Shared);
    check(&metrics, "signing_proxy_requests_in_flight 1");
    check(&metrics, r#"signing_proxy_client_connections{listener="shared"} 1"#);
    metrics.request_finished(&ListenerRole::Shared);
    metrics.request_finished(&ListenerRole::Admin);
    drop(client);
    check(&metrics, "signing_proxy_requests_in_flight 0");
    check(&metrics, r#"signing_proxy_client_connections{listener="shared"} 0"#);
}

/// Name and type of every metric that `text` holds, as `name type`.
fn exported(text: &str) -> Vec<String> {
    let mut exported: Vec<_> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "))
        .map(ToOwned::to_owned)
        .collect();
    exported.sort();
    exported
}

#[test]
fn the_documentation_lists_exactly_what_is_exported() {
    const PAGE: &str = include_str!("../../../../docs/configuration.md");
    let metrics = Metrics::new();
    // A family without a sample is not exported.
    metrics.request_ended(&RequestSample {
        error: None,
        upstream_head: Some(Duration::ZERO),
        ..sample(&Method::GET)
    });
    metrics.request_ended(&sample(&Method::GET));
    drop(metrics.connection_opened(&ListenerRole::Admin));
    metrics.connection_ended(ConnectionEnd::Closed);
    let name = ConnectionName::parse("reports").unwrap();
    let _ = metrics.upstream_connections(&name);
    metrics.retries(&name).add(RetryReason::Clock);
    metrics.clock_skew(&name).set(-3);
    metrics.permissions(&name).count_unmapped(Verdict::Allowed);
    credentials::tests::watch_one(&metrics);
    let pool = Pool::new(PoolSize::NONE);
    metrics.watch_shares(vec![
        Watched::bytes("spool", &pool),
        Watched::permits("http2_requests", None, &pool),
    ]);
    metrics
        .calls()
        .ended(CallTarget::Sts, CallOutcome::Ok, Duration::from_millis(3));
    let exported = exported(&metrics.encode().unwrap());

    let section = PAGE
        .split("\n## Metrics\n")
        .nth(1)
        .unwrap()
        .split("\n## ")
        .next()
        .unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    let mut listed: Vec<_> = rows
        .map(|row| {
            let mut cells = row.split('|').map(str::trim);
            let name = cells.next().unwrap().trim_end_matches('`');
            format!("{name} {}", cells.next().unwrap())
        })
        .collect();
    listed.sort();
    assert_eq!(listed, exported);
}
