//! How long a service may be silent: before its response, and between two pieces of it. Each service has a default.

use tokio::time::{Instant, pause};

use super::responses::stream;
use super::*;

const EVENTS: &[u8] = b"POST /model/m/invoke-with-response-stream HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
                        content-length: 2\r\n\r\n{}";

/// What else comes, and after how many whole minutes it is over. Nothing may be on its way: where all wait, time is skipped.
async fn rest(mut client: TcpStream) -> (String, u64) {
    pause();
    let began = Instant::now();
    let mut rest = Vec::new();
    // A response that broke off may end in a reset.
    let _ = client.read_to_end(&mut rest).await;
    // Some milliseconds of the real time before are part of it.
    let waited = began.elapsed() + Duration::from_secs(1);
    (String::from_utf8(rest).unwrap(), waited.as_secs() / 60)
}

const ROWS: [(&str, u64); 3] = [("bedrock-runtime", 60), ("bedrock-agentcore", 60), ("sagemaker", 5)];

#[tokio::test]
async fn an_event_stream_may_be_silent_as_long_as_its_service_is_slow() {
    for (name, minutes) in ROWS {
        let (reply, pieces) = stream();
        let service = Service::start(vec![reply]).await;
        let mut proxy = Proxy::of(name, &service, "").await;
        let mut client = proxy.send(EVENTS).await;
        pieces.send("5\r\nevent\r\n").await.unwrap();
        read_until(&mut client, "event\r\n").await;
        assert_eq!(rest(client).await, (String::new(), minutes), "{name}");
        assert_eq!(proxy.record().await.outcome, Outcome::UpstreamBroke, "{name}");
        tokio::time::resume();
    }
}

#[tokio::test]
async fn a_response_may_begin_as_late_as_its_service_is_slow() {
    for (name, minutes) in ROWS {
        let mut service = Service::start(vec![Reply::Hang]).await;
        let proxy = Proxy::of(name, &service, "").await;
        let client = proxy.send(EVENTS).await;
        service.next().await;
        let (response, waited) = rest(client).await;
        assert_refused(&response, 504, "upstream-timeout");
        assert_eq!(waited, minutes, "{name}");
        tokio::time::resume();
    }
}
