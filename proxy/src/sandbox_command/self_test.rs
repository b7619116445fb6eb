//! Sends what the printed commands would send, and says how it went.

use std::error::Error;
use std::io::Write;
use std::time::Duration;

use auth_model::{AccessKeyId, Clock, Credentials, Region, Secret, SecretAccessKey, ServiceId, SystemClock};
use bytes::Bytes;
use http::header::HOST;
use http::{Request, Uri};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use sandbox::principals;
use signer::{Payload, SignInput, Signer, SigningScope};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::SandboxCommandError;
use super::demo::{DEMOS, Demo, Places, Way};
use crate::log::Escaped;

/// For one request; the sandbox is on this machine.
const TEST_TIMEOUT: Duration = Duration::from_secs(30);

type Failure = Box<dyn Error + Send + Sync>;

/// Sends every request in order; one line each to `output`.
pub(super) async fn run(places: &Places, output: &mut impl Write) -> Result<(), SandboxCommandError> {
    let mut failed = 0;
    for demo in &DEMOS {
        let outcome = match timeout(TEST_TIMEOUT, send(demo, places)).await {
            Ok(outcome) => outcome,
            Err(elapsed) => Err(elapsed.into()),
        };
        match outcome {
            Ok(()) => writeln!(output, "ok      {}", demo.title)?,
            Err(error) => {
                failed += 1;
                writeln!(output, "FAILED  {}: {}", demo.title, Escaped(&error.to_string()))?;
            }
        }
    }
    match failed {
        0 => Ok(()),
        failed => Err(SandboxCommandError::SelfTest {
            failed,
            all: DEMOS.len(),
        }),
    }
}

async fn send(demo: &Demo, places: &Places) -> Result<(), Failure> {
    let (Some(addr), Some(url)) = (demo.dial(places), demo.url(places)) else {
        return Err("the proxy's listener is off".into());
    };
    let stream = TcpStream::connect(addr).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let response = sender.send_request(request(demo, &url)?).await?;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await?.to_bytes();
    connection.abort();
    let text = String::from_utf8_lossy(&body);
    if status != demo.status {
        return Err(format!("status {status} instead of {}: {text}", demo.status).into());
    }
    if !text.contains(demo.says) {
        return Err(format!("the response lacks {}: {text}", demo.says).into());
    }
    Ok(())
}

fn request(demo: &Demo, url: &str) -> Result<Request<Full<Bytes>>, Failure> {
    let url: Uri = url.parse()?;
    let host = url.authority().map(ToString::to_string).unwrap_or_default();
    // Whole URLs are for HTTP proxies only.
    let target = match (demo.way, url.path_and_query()) {
        (Way::Gateway(_) | Way::Unsigned | Way::Signed(_), Some(path)) => path.clone().into(),
        _ => url,
    };
    let mut request = Request::builder()
        .method(demo.method.clone())
        .uri(target)
        .header(HOST, host);
    for (name, value) in demo.headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::new(Bytes::from_static(demo.body.unwrap_or_default().as_bytes())))?;
    match demo.way {
        Way::Signed(secret) => sign(request, secret),
        Way::Gateway(_) | Way::Forward(_) | Way::Unsigned => Ok(request),
    }
}

/// As curl's `--aws-sigv4` does.
fn sign(request: Request<Full<Bytes>>, secret: &str) -> Result<Request<Full<Bytes>>, Failure> {
    let service = ServiceId::parse("s3")?;
    let traits = aws_endpoints::traits_of(&service);
    let credentials = Credentials::new(
        AccessKeyId::parse(principals::REPORTER.access_key_id)?,
        SecretAccessKey::parse(Secret::new(secret))?,
    );
    let (mut head, body) = request.into_parts();
    let input = SignInput {
        scope: &SigningScope {
            region: Region::parse("us-east-1")?,
            name: traits.signing_name,
        },
        path_encoding: traits.path_encoding,
        credentials: &credentials,
        payload: Payload::Unsigned,
        time: SystemClock.now(),
    };
    Signer::new().sign(&head, &input)?.apply(&mut head);
    Ok(Request::from_parts(head, body))
}
