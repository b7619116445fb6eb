//! Faults on demand, in each protocol's own words.

use std::time::Duration;

use sandbox::{Fault, Sandbox, SandboxSettings};
use tokio::time::Instant;

use crate::support::{Draft, TestResponse, send, try_send};

async fn start() -> Sandbox {
    Sandbox::start(SandboxSettings::default()).await.unwrap()
}

async fn ask(sandbox: &Sandbox, prefix: &'static str) -> TestResponse {
    let address = sandbox.service(prefix).unwrap();
    send(address, Draft::new(prefix, "GET", "/").sign(address)).await
}

#[tokio::test]
async fn each_protocol_words_them_in_its_own_way() {
    let sandbox = start().await;
    for (prefix, throttled, unavailable, expired) in [
        (
            "s3",
            (503, "SlowDown"),
            (503, "ServiceUnavailable"),
            (400, "ExpiredToken"),
        ),
        (
            "sts",
            (400, "Throttling"),
            (503, "ServiceUnavailable"),
            (403, "ExpiredToken"),
        ),
        (
            "ec2",
            (503, "RequestLimitExceeded"),
            (503, "Unavailable"),
            (400, "RequestExpired"),
        ),
        (
            "dynamodb",
            (400, "ThrottlingException"),
            (503, "ServiceUnavailableException"),
            (400, "ExpiredTokenException"),
        ),
        (
            "bedrock-runtime",
            (429, "ThrottlingException"),
            (503, "ServiceUnavailableException"),
            (403, "ExpiredTokenException"),
        ),
    ] {
        assert!(sandbox.fault(prefix, Fault::Throttled));
        let response = ask(&sandbox, prefix).await;
        assert_eq!((response.status.as_u16(), response.code()), throttled, "{prefix}");
        assert!(sandbox.fault(prefix, Fault::Unavailable));
        let response = ask(&sandbox, prefix).await;
        assert_eq!((response.status.as_u16(), response.code()), unavailable, "{prefix}");
        assert!(sandbox.fault(prefix, Fault::Expired));
        let response = ask(&sandbox, prefix).await;
        assert_eq!((response.status.as_u16(), response.code()), expired, "{prefix}");
    }
    assert!(!sandbox.fault("lambda", Fault::Throttled));
}

#[tokio::test]
async fn sts_can_go_down_and_come_back() {
    let sandbox = start().await;
    let draft = Draft::query("sts", "Action=GetCallerIdentity&Version=2011-06-15");
    sandbox.sts_fault(Fault::Disconnect);
    assert!(try_send(sandbox.sts(), draft.sign(sandbox.sts())).await.is_err());
    sandbox.sts_fault(Fault::Slow(Duration::from_millis(50)));
    let begun = Instant::now();
    assert_eq!(send(sandbox.sts(), draft.sign(sandbox.sts())).await.status, 200);
    assert!(begun.elapsed() >= Duration::from_millis(50));
    sandbox.sts_fault(Fault::None);
    assert_eq!(send(sandbox.sts(), draft.sign(sandbox.sts())).await.status, 200);
}

#[tokio::test]
async fn a_taken_port_is_an_error_that_names_the_service() {
    let first = start().await;
    let mut settings = SandboxSettings::default();
    settings.ports.ec2 = first.s3().port();
    let error = Sandbox::start(settings).await.err().unwrap();
    assert_eq!(error.to_string(), format!("cannot listen on {} for ec2", first.s3()));
}

#[tokio::test]
async fn a_stopped_sandbox_listens_no_more() {
    let sandbox = start().await;
    let (address, mut events) = (sandbox.s3(), sandbox.events());
    sandbox.stop().await;
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
    assert_eq!(events.next().await, None);
}
