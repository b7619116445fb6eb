//! The line that every request leaves.

use std::time::Duration;

use proxy_core::pipeline::{Outcome, RequestRecord};

use super::Escaped;

/// Writes the record of one request: at `warn` where the proxy or the service failed, else at `info`.
///
/// Fields that are not known are left out. Durations are milliseconds since the request's head was read.
pub fn request(record: &RequestRecord) {
    let failed =
        record.status.is_some_and(|status| status.is_server_error()) || record.outcome == Outcome::UpstreamBroke;
    if failed {
        record_at!(warn, record);
    } else {
        record_at!(info, record);
    }
}

/// One call for each level: a level is part of a call site.
macro_rules! record_at {
    ($level:ident, $record:ident) => {{
        let timings = &$record.timings;
        tracing::$level!(
            target: "signing_proxy::request",
            request_id = $record.request_id,
            connection = $record.connection.as_ref().map(display),
            client = %$record.peer.addr,
            listener = %$record.peer.listener,
            method = %Escaped($record.method.as_str()),
            host = $record.host.as_deref().map(Escaped).map(display),
            path = %Escaped(&$record.path),
            version = ?$record.version,
            service = $record.service.as_ref().map(display),
            region = $record.region.as_ref().map(display),
            operation = $record.operation.as_deref().map(Escaped).map(display),
            actions = $record.actions.as_deref().map(display),
            user_agent = $record.user_agent.as_deref().map(Escaped).map(display),
            trace_id = $record.trace_id.map(display),
            access_key_id = $record.signed_by.as_ref().map(|by| display(by.access_key_id())),
            session_name = $record.signed_by.as_ref().and_then(|by| by.session_name().map(display)),
            status = $record.status.map(|status| status.as_u16()),
            aws_request_id = $record.aws_request_id.as_deref().map(Escaped).map(display),
            aws_error = $record.aws_error.as_deref().map(display),
            bytes_in = $record.bytes_in,
            bytes_out = $record.bytes_out,
            attempts = $record.attempts,
            credentials_ms = timings.credentials.map(milliseconds),
            body_ms = timings.body.map(milliseconds),
            upstream_ms = timings.upstream_head.map(milliseconds),
            total_ms = milliseconds(timings.total),
            outcome = outcome($record.outcome),
            error = $record.error.map(proxy_core::error::ErrorCode::name),
            notice = $record.notice.map(proxy_core::error::Notice::name),
            cause = $record.cause.as_deref().map(Escaped).map(display),
            "request"
        );
    }};
}
use record_at;

/// With one decimal: a signed request to a neighbour takes a few milliseconds.
fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 10_000.0).round() / 10.0
}

fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Complete => "complete",
        Outcome::ClientLeft => "client-disconnected",
        Outcome::CutOff => "cut-off",
        Outcome::ClientBroke => "client-broke",
        Outcome::ClientTooSlow => "client-too-slow",
        Outcome::UpstreamBroke => "upstream-broke",
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use std::sync::Arc;

    use auth_model::{
        AccessKeyId, ConnectionName, Credentials, Region, RoleSessionName, Secret, SecretAccessKey, ServiceId,
    };
    use http::{Method, StatusCode, Version};

    use super::super::Form;
    use super::super::tests::captured;
    use super::*;
    use http_server::Peer;
    use proxy_config::LogLevel;
    use proxy_core::error::ErrorCode;
    use proxy_core::pipeline::{Timings, TraceId};
    use resource_limits::ListenerRole;

    fn failed() -> RequestRecord {
        RequestRecord {
            request_id: "4f-000001".to_owned(),
            peer: Peer {
                addr: SocketAddr::from(([127, 0, 0, 1], 5)),
                listener: ListenerRole::Shared,
            },
            connection: None,
            service: None,
            region: None,
            operation: None,
            actions: None,
            method: Method::GET,
            version: Version::HTTP_11,
            host: Some("a.example".to_owned()),
            path: "/x\u{1b}[2J\n".to_owned(),
            user_agent: None,
            trace_id: None,
            status: Some(StatusCode::BAD_GATEWAY),
            signed_by: None,
            aws_request_id: None,
            aws_error: None,
            error: Some(ErrorCode::UpstreamUnreachable),
            notice: None,
            cause: Some("connect: refused".to_owned()),
            bytes_in: 0,
            bytes_out: 180,
            attempts: 1,
            outcome: Outcome::Complete,
            timings: Timings {
                total: Duration::from_micros(1260),
                ..Timings::default()
            },
        }
    }

    fn session() -> Arc<Credentials> {
        let mut session = Credentials::new(
            AccessKeyId::parse("ASIAEXAMPLE").unwrap(),
            SecretAccessKey::parse(Secret::new("wJalr")).unwrap(),
        );
        session.session_name = Some(RoleSessionName::parse("signing-proxy-reports").unwrap());
        Arc::new(session)
    }

    fn signed() -> RequestRecord {
        RequestRecord {
            connection: Some(ConnectionName::parse("reports").unwrap()),
            service: Some(ServiceId::parse("s3").unwrap()),
            region: Some(Region::parse("eu-west-1").unwrap()),
            operation: Some("PutObject".to_owned()),
            method: Method::PUT,
            path: "/bucket/key".to_owned(),
            user_agent: Some("curl/8\u{1b}[2J".into()),
            trace_id: Some(TraceId::from(0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c)),
            status: Some(StatusCode::NOT_FOUND),
            signed_by: Some(session().into()),
            aws_request_id: Some("0ABC".to_owned()),
            aws_error: Some("NoSuchKey".to_owned()),
            error: None,
            cause: None,
            bytes_in: 5,
            bytes_out: 0,
            timings: Timings {
                credentials: Some(Duration::from_micros(40)),
                body: Some(Duration::from_millis(1)),
                upstream_head: Some(Duration::from_millis(12)),
                total: Duration::from_millis(13),
            },
            ..failed()
        }
    }

    #[test]
    fn a_signed_request_leaves_one_line_of_json() {
        let text = captured(Form::Json, LogLevel::Info, || request(&signed()));
        assert_eq!(
            text,
            concat!(
                r#"{"timestamp":"NOW","level":"INFO","message":"request","request_id":"4f-000001","#,
                r#""connection":"reports","client":"127.0.0.1:5","listener":"shared","method":"PUT","#,
                r#""host":"a.example","path":"/bucket/key","version":"HTTP/1.1","service":"s3","#,
                r#""region":"eu-west-1","operation":"PutObject","user_agent":"curl/8\\u{1b}[2J","#,
                r#""trace_id":"0af7651916cd43dd8448eb211c80319c","access_key_id":"ASIAEXAMPLE","#,
                r#""session_name":"signing-proxy-reports","status":404,"aws_request_id":"0ABC","#,
                r#""aws_error":"NoSuchKey","#,
                r#""bytes_in":5,"bytes_out":0,"attempts":1,"credentials_ms":0.0,"body_ms":1.0,"#,
                r#""upstream_ms":12.0,"total_ms":13.0,"outcome":"complete","#,
                r#""target":"signing_proxy::request"}"#,
                "\n"
            )
        );
    }

    #[test]
    fn a_failed_request_leaves_one_line_of_text_with_its_causes_and_nothing_that_drives_a_terminal() {
        let text = captured(Form::Text, LogLevel::Info, || request(&failed()));
        assert_eq!(
            text,
            concat!(
                r#"NOW  WARN signing_proxy::request: request request_id="4f-000001" client=127.0.0.1:5 "#,
                r"listener=shared method=GET host=a.example path=/x\u{1b}[2J\u{a} version=HTTP/1.1 status=502 ",
                r#"bytes_in=0 bytes_out=180 attempts=1 total_ms=1.3 outcome="complete" "#,
                r#"error="upstream-unreachable" cause=connect: refused"#,
                "\n"
            )
        );
    }
}
