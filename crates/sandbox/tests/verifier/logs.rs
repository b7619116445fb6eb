//! Nothing secret in any log line, at TRACE.

use std::io;
use std::sync::{Arc, Mutex};

use sandbox::principals::{BUCKET, REPORT_READER, REPORTER, ROBOT};
use sandbox::{Sandbox, SandboxSettings};
use tracing_subscriber::fmt::MakeWriter;

use crate::sts::assume;
use crate::support::{Draft, send};

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl io::Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Captured {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

// One thread, so that the subscriber of this thread hears the servers as well.
#[tokio::test(flavor = "current_thread")]
async fn no_secret_and_no_token_is_logged() {
    let captured = Captured::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(captured.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);

    let sandbox = Sandbox::start(SandboxSettings::default()).await.unwrap();
    let mut events = sandbox.events();
    let keys = assume(&sandbox, ROBOT.into(), REPORT_READER.arn, None).await;
    for target in ["", "?list-type=2", "/key"] {
        let draft = Draft::new("s3", "GET", &format!("/{BUCKET}{target}")).with_keys(keys.clone());
        send(sandbox.s3(), draft.sign(sandbox.s3())).await;
        let mut wrong = draft.sign(sandbox.s3());
        wrong.headers_mut().insert("x-amz-meta-x", "1".parse().unwrap());
        send(sandbox.s3(), wrong).await;
    }
    let draft = Draft::query("ec2", "Action=DescribeRegions").with_keys(keys.clone());
    let ec2 = sandbox.service("ec2").unwrap();
    send(ec2, draft.sign(ec2)).await;

    let log = String::from_utf8(captured.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("sandbox request"), "the capture works");
    let found = format!("{:?}", events.drain());
    for secret in [
        keys.secret.as_str(),
        keys.token.as_deref().unwrap(),
        ROBOT.secret_access_key,
        REPORTER.secret_access_key,
    ] {
        assert!(!found.contains(secret), "in an event");
        for line in log.lines() {
            assert!(!line.contains(secret), "{line}");
        }
    }
}
