//! An STS that plays a script and keeps what it was sent. No socket.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::date_time::{DateTime, Format};

/// What STS was sent.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) uri: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) form: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Received {
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.form.get(name).map(String::as_str)
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

/// What STS responds with.
pub(crate) enum ScriptedResponse {
    Status(u16, String),
    /// Nothing but the time and a status.
    Dated(&'static str, u16),
    /// Another response, with STS's time.
    At(SystemTime, Box<ScriptedResponse>),
    ConnectionRefused,
    /// It takes the request and says nothing.
    Never,
}

type Play = dyn Fn(&Received) -> ScriptedResponse + Send + Sync;

/// The STS.
#[derive(Clone)]
pub(crate) struct ScriptedSts {
    play: Arc<Play>,
    received: Arc<Mutex<Vec<Received>>>,
}

impl ScriptedSts {
    pub(crate) fn new(play: impl Fn(&Received) -> ScriptedResponse + Send + Sync + 'static) -> Self {
        Self {
            play: Arc::new(play),
            received: Arc::default(),
        }
    }

    pub(crate) fn http_client(&self) -> SharedHttpClient {
        SharedHttpClient::new(self.clone())
    }

    /// What was sent since this was last called.
    pub(crate) fn take(&self) -> Vec<Received> {
        std::mem::take(&mut self.received.lock().unwrap())
    }
}

impl fmt::Debug for ScriptedSts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ScriptedSts")
    }
}

impl HttpClient for ScriptedSts {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for ScriptedSts {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let received = Received {
            uri: request.uri().to_owned(),
            headers: request
                .headers()
                .iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            form: form(request.body().bytes().unwrap()),
            body: String::from_utf8(request.body().bytes().unwrap().to_vec()).unwrap(),
        };
        let response = (self.play)(&received);
        self.received.lock().unwrap().push(received);
        HttpConnectorFuture::new(play(response))
    }
}

async fn play(response: ScriptedResponse) -> Result<HttpResponse, ConnectorError> {
    match response {
        ScriptedResponse::ConnectionRefused => {
            let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
            Err(ConnectorError::io(refused.into()))
        }
        ScriptedResponse::Dated(date, status) => {
            let mut response = HttpResponse::new(status.try_into().unwrap(), SdkBody::empty());
            response.headers_mut().insert("date", date);
            Ok(response)
        }
        ScriptedResponse::At(time, response) => {
            let mut response = Box::pin(play(*response)).await?;
            let date = DateTime::from(time).fmt(Format::HttpDate).unwrap();
            response.headers_mut().insert("date", date);
            Ok(response)
        }
        ScriptedResponse::Status(status, body) => {
            Ok(HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body)))
        }
        ScriptedResponse::Never => std::future::pending().await,
    }
}

/// Reads `application/x-www-form-urlencoded`.
fn form(body: &[u8]) -> BTreeMap<String, String> {
    let text = std::str::from_utf8(body).unwrap();
    let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (decode(name), decode(value))).collect()
}

fn decode(text: &str) -> String {
    let spaced = text.replace('+', " ");
    let mut parts = spaced.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(&part[..2], 16).unwrap());
        bytes.extend_from_slice(&part.as_bytes()[2..]);
    }
    String::from_utf8(bytes).unwrap()
}

/// A good response to `AssumeRole`.
pub(crate) fn session(id: &str, secret: &str, token: &str, expires_at: SystemTime) -> ScriptedResponse {
    let expiration = DateTime::from(expires_at).fmt(Format::DateTime).unwrap();
    ScriptedResponse::Status(
        200,
        format!(
            r#"<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>
            <AssumedRoleUser><AssumedRoleId>AROA:x</AssumedRoleId><Arn>arn:aws:sts::123456789012:assumed-role/r/x</Arn>
            </AssumedRoleUser><Credentials><AccessKeyId>{id}</AccessKeyId><SecretAccessKey>{secret}</SecretAccessKey>
            <SessionToken>{token}</SessionToken><Expiration>{expiration}</Expiration></Credentials></AssumeRoleResult>
            <ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></AssumeRoleResponse>"#
        ),
    )
}

/// A good response to `GetCallerIdentity`.
pub(crate) fn identity(account: &str, arn: &str) -> ScriptedResponse {
    ScriptedResponse::Status(
        200,
        format!(
            r#"<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>
            <Arn>{arn}</Arn><UserId>AIDA</UserId><Account>{account}</Account></GetCallerIdentityResult>
            <ResponseMetadata><RequestId>r-2</RequestId></ResponseMetadata></GetCallerIdentityResponse>"#
        ),
    )
}

/// An error response.
pub(crate) fn error_response(status: u16, code: &str, message: &str) -> ScriptedResponse {
    ScriptedResponse::Status(
        status,
        format!(
            r#"<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>
            <Code>{code}</Code><Message>{message}</Message></Error><RequestId>r-3</RequestId></ErrorResponse>"#
        ),
    )
}
