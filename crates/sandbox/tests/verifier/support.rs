//! A client that signs with the `aws-sigv4` crate, and may then tamper.

use std::net::SocketAddr;
use std::time::SystemTime;

use auth_model::{Clock, SystemClock};
use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings, UriPathNormalizationMode,
    sign,
};
use aws_sigv4::sign::v4::SigningParams;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use sandbox::principals::{FakeUser, REPORTER};
use tokio::net::TcpStream;

/// Keys to sign with.
#[derive(Clone)]
pub(crate) struct Keys {
    pub(crate) id: String,
    pub(crate) secret: String,
    pub(crate) token: Option<String>,
}

impl From<FakeUser> for Keys {
    fn from(user: FakeUser) -> Self {
        Self {
            id: user.access_key_id.to_owned(),
            secret: user.secret_access_key.to_owned(),
            token: None,
        }
    }
}

/// A request before it is signed.
#[derive(Clone)]
pub(crate) struct Draft {
    pub(crate) service: &'static str,
    pub(crate) region: &'static str,
    pub(crate) method: &'static str,
    pub(crate) target: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
    pub(crate) keys: Keys,
    pub(crate) time: SystemTime,
    /// Signed in place of the body's hash.
    pub(crate) payload: Option<&'static str>,
}

impl Draft {
    pub(crate) fn new(service: &'static str, method: &'static str, target: &str) -> Self {
        Self {
            service,
            region: "us-east-1",
            method,
            target: target.to_owned(),
            headers: Vec::new(),
            body: String::new(),
            keys: REPORTER.into(),
            time: SystemClock.now(),
            payload: None,
        }
    }

    /// A POST of the Query protocol.
    pub(crate) fn query(service: &'static str, form: &str) -> Self {
        Self::new(service, "POST", "/")
            .with_header("content-type", "application/x-www-form-urlencoded")
            .with_body(form)
    }

    pub(crate) fn with_header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    pub(crate) fn with_body(mut self, body: &str) -> Self {
        body.clone_into(&mut self.body);
        self
    }

    pub(crate) fn with_keys(mut self, keys: impl Into<Keys>) -> Self {
        self.keys = keys.into();
        self
    }

    pub(crate) fn sign(&self, host: impl std::fmt::Display) -> Request<Full<Bytes>> {
        let host = host.to_string();
        let mut settings = SigningSettings::default();
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        if self.service == "s3" {
            settings.percent_encoding_mode = PercentEncodingMode::Single;
            settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        }
        let identity = Credentials::new(&self.keys.id, &self.keys.secret, self.keys.token.clone(), None, "test").into();
        let params = SigningParams::builder()
            .identity(&identity)
            .region(self.region)
            .name(self.service)
            .time(self.time)
            .settings(settings)
            .build()
            .unwrap()
            .into();
        let headers: Vec<(&str, &str)> = std::iter::once(("host", host.as_str()))
            .chain(self.headers.iter().map(|(name, value)| (*name, value.as_str())))
            .collect();
        let body = match self.payload {
            Some(text) => SignableBody::Precomputed(text.to_owned()),
            None => SignableBody::Bytes(self.body.as_bytes()),
        };
        let uri = format!("http://{host}{}", self.target);
        let signable = SignableRequest::new(self.method, uri, headers.iter().copied(), body).unwrap();
        let (instructions, _) = sign(signable, &params).unwrap().into_parts();
        let mut request = Request::builder()
            .method(self.method)
            .uri(&self.target)
            .body(Full::from(self.body.clone()))
            .unwrap();
        for (name, value) in headers {
            request
                .headers_mut()
                .append(name, HeaderValue::from_str(value).unwrap());
        }
        for header in instructions.into_parts().0 {
            let value = HeaderValue::from_str(header.value()).unwrap();
            request.headers_mut().insert(header.name(), value);
        }
        request
    }
}

/// An response, read whole.
#[derive(Debug)]
pub(crate) struct TestResponse {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl TestResponse {
    /// The text of the first XML element of that name.
    pub(crate) fn element(&self, name: &str) -> &str {
        let start = self
            .body
            .split_once(&format!("<{name}>"))
            .unwrap_or_else(|| panic!("no {name} in {self:?}"))
            .1;
        start.split_once("</").unwrap().0
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// The error code, wherever this protocol has it.
    pub(crate) fn code(&self) -> &str {
        match self.headers.get("x-amzn-errortype") {
            Some(code) => code.to_str().unwrap(),
            None => self.element("Code"),
        }
    }
}

/// Sends on a new connection.
pub(crate) async fn send(address: SocketAddr, request: Request<Full<Bytes>>) -> TestResponse {
    try_send(address, request).await.unwrap()
}

pub(crate) async fn try_send(address: SocketAddr, request: Request<Full<Bytes>>) -> Result<TestResponse, hyper::Error> {
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let (head, body) = sender.send_request(request).await?.into_parts();
    let body = body.collect().await?.to_bytes();
    Ok(TestResponse {
        status: head.status,
        headers: head.headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    })
}
