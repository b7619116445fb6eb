//! One line of input: a request, read as the proxy reads one off a socket.

use auth_model::{AccountId, Region, ServiceId};
use aws_endpoints::{AwsHost, HostError, HostResource, ServiceTraits, endpoint_prefix_of, parse_host, traits_of};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::HOST;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request as HttpRequest};
use policy_gen::mapping::{self, BodyFraming, Mapping, Server};
use proxy_config::PassFields;
use proxy_core::admit::{Admitted, HostPort, admit};
use proxy_core::strip;
use serde_json::Value;
use signer::WireTarget;

/// In no `Via`: what is mapped here is not sent.
const PSEUDONYM: &str = "signing-proxy-policy-map";

const NO_REGION: &str = "region: it is missing, and the url's host does not say it";

/// A request, ready to be mapped.
#[derive(Debug)]
pub(super) struct RequestLine {
    service: ServiceId,
    region: Region,
    account: Option<AccountId>,
    host: HostResource,
    server: Server,
    method: Method,
    wire: WireTarget,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl RequestLine {
    /// Reads a document; the error says what of it cannot be used.
    pub(super) fn read(document: &Value) -> Result<Self, String> {
        let admitted = admitted(document)?;
        let host = admitted.host().ok_or("url: it names no host")?;
        let place = Where::of(document, host)?;
        let traits = traits_of(&place.service);
        let wire = wire_target(&admitted, &traits)?;
        let Parts {
            method, mut headers, ..
        } = admitted.head().clone();
        strip::request_headers(&mut headers, PassFields::default());
        let account = text(document, "account")?;
        Ok(Self {
            account: account.map(AccountId::parse).transpose().map_err(says("account"))?,
            service: place.service,
            region: place.region,
            host: place.host,
            server: match parse_host(host.host()) {
                Err(HostError::NotAws) => Server::Other,
                Ok(_) | Err(_) => Server::Aws,
            },
            method,
            wire,
            headers,
            body: body(document)?,
        })
    }

    /// Its IAM request.
    pub(super) fn map(&self) -> Result<Mapping, String> {
        let request = mapping::Request {
            service: &self.service,
            region: &self.region,
            account: self.account.as_ref(),
            host: &self.host,
            method: &self.method,
            path: self.wire.path(),
            query: self.wire.query(),
            headers: &self.headers,
            server: self.server,
            body: BodyFraming::of_length(u64::try_from(self.body.len()).unwrap_or(u64::MAX)),
        };
        mapping::map(&request, Some(&self.body)).map_err(|error| error.to_string())
    }
}

/// The head, as the proxy admits it.
fn admitted(document: &Value) -> Result<Admitted, String> {
    let url = text(document, "url")?.ok_or("url: it is missing")?;
    if url.contains('#') {
        return Err("url: write '#' as %23".to_owned());
    }
    let method = text(document, "method")?.ok_or("method: it is missing")?;
    let method = Method::from_bytes(method.as_bytes()).map_err(says("method"))?;
    let mut request = HttpRequest::new(());
    *request.uri_mut() = url.parse().map_err(says("url"))?;
    let is_http = matches!(request.uri().scheme_str(), Some("http" | "https"));
    let authority = request.uri().authority().filter(|_| is_http);
    let authority = authority.ok_or("url: it begins with http:// or https:// and a host")?;
    let host = HeaderValue::from_str(authority.as_str()).map_err(says("url"))?;
    *request.method_mut() = method;
    *request.headers_mut() = headers(document)?;
    request.headers_mut().entry(HOST).or_insert(host);
    let head = request.into_parts().0;
    admit(head, PSEUDONYM).map_err(|error| format!("the proxy rejects it as {}: {}", error.code().name(), error.hint()))
}

/// What goes to a service: percent-encoded again, and without the signature of a presigned request.
fn wire_target(admitted: &Admitted, traits: &ServiceTraits) -> Result<WireTarget, String> {
    let wire = WireTarget::parse(admitted.target(), traits.path_encoding).map_err(says("url"))?;
    Ok(if wire.is_presigned() {
        wire.without_signature()
    } else {
        wire
    })
}

/// Where a request goes.
struct Where {
    service: ServiceId,
    region: Region,
    host: HostResource,
}

impl Where {
    fn of(document: &Value, host: &HostPort) -> Result<Self, String> {
        let named = service(document)?;
        let region = text(document, "region")?
            .map(Region::parse)
            .transpose()
            .map_err(says("region"))?;
        let is_awss_port = matches!(host.port(), None | Some(80 | 443));
        let readings = match parse_host(host.host()) {
            Ok(_) | Err(HostError::Ambiguous { .. }) if !is_awss_port => {
                return Err("url: AWS hosts listen on ports 80 and 443 only".to_owned());
            }
            Ok(aws) => vec![aws],
            Err(HostError::Ambiguous { readings }) => readings,
            // A host of AWS's newer than the tables, such as an operation's own: its service is what the line says.
            Err(HostError::UnknownService) if named.as_ref().is_some_and(|named| !traits_of(named).is_s3_family) => {
                return Self::elsewhere(named, region);
            }
            Err(HostError::NotAws) => return Self::elsewhere(named, region),
            Err(error) => return Err(format!("url: {error}")),
        };
        let is_meant = |aws: &AwsHost| named.as_ref().is_none_or(|named| is_same(named, &aws.service));
        let mut meant = readings.into_iter().filter(is_meant);
        let (Some(aws), None) = (meant.next(), meant.next()) else {
            return Err("url: the host is not the service's".to_owned());
        };
        Ok(Self {
            service: aws.service,
            // The host decides where a request goes; some hosts stand for several regions or do not say.
            region: aws.region.or(region).ok_or(NO_REGION)?,
            host: aws.resource,
        })
    }

    /// A host that says nothing: buckets stand in the path.
    fn elsewhere(service: Option<ServiceId>, region: Option<Region>) -> Result<Self, String> {
        Ok(Self {
            service: service.ok_or("service: it is missing, and the url's host does not say it")?,
            region: region.ok_or(NO_REGION)?,
            host: HostResource::None,
        })
    }
}

/// Whether a host's service is the named one, by its prefix, its signing name or as one of S3's siblings.
fn is_same(named: &ServiceId, of_host: &ServiceId) -> bool {
    let (a, b) = (traits_of(named), traits_of(of_host));
    named == of_host || a.signing_name == b.signing_name || (a.is_s3_family && b.is_s3_family)
}

/// The service by endpoint prefix; by its name in the SDKs or in signatures as well.
fn service(document: &Value) -> Result<Option<ServiceId>, String> {
    let Some(name) = text(document, "service")? else {
        return Ok(None);
    };
    if name == "bedrock" {
        // The signing name of three services, of which one has a table.
        return ServiceId::parse("bedrock-runtime").map(Some).map_err(says("service"));
    }
    let service = ServiceId::parse(name).map_err(says("service"))?;
    Ok(Some(endpoint_prefix_of(&service)))
}

/// An object of names to texts or lists of them, or a list of pairs.
fn headers(document: &Value) -> Result<HeaderMap, String> {
    const SHAPE: &str = "headers: they are an object of texts or lists, or a list of pairs of texts";
    let mut headers = HeaderMap::new();
    let mut add = |name: &str, value: &Value| -> Result<(), String> {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(says("headers"))?;
        let value = HeaderValue::from_bytes(value.as_str().ok_or(SHAPE)?.as_bytes()).map_err(says("headers"))?;
        headers.try_append(name, value).map_err(says("headers"))?;
        Ok(())
    };
    match document.get("headers") {
        None | Some(Value::Null) => {}
        Some(Value::Object(object)) => {
            for (name, value) in object {
                match value {
                    Value::Array(values) => values.iter().try_for_each(|value| add(name, value))?,
                    value => add(name, value)?,
                }
            }
        }
        Some(Value::Array(pairs)) => {
            for pair in pairs {
                match pair.as_array().map(Vec::as_slice) {
                    Some([Value::String(name), value]) => add(name, value)?,
                    _ => return Err(SHAPE.to_owned()),
                }
            }
        }
        Some(_) => return Err(SHAPE.to_owned()),
    }
    Ok(headers)
}

/// The body: text, or base64 in an object or under a key of its own.
fn body(document: &Value) -> Result<Vec<u8>, String> {
    let encoded = match (document.get("body"), document.get("body_base64")) {
        (None | Some(Value::Null), None | Some(Value::Null)) => return Ok(Vec::new()),
        (Some(Value::String(text)), None | Some(Value::Null)) => return Ok(text.clone().into_bytes()),
        (Some(Value::Object(object)), None | Some(Value::Null)) => object.get("base64").and_then(Value::as_str),
        (None | Some(Value::Null), Some(encoded)) => encoded.as_str(),
        _ => None,
    };
    let encoded = encoded.ok_or(r#"body: it is one text, or one {"base64": TEXT}"#)?;
    STANDARD.decode(encoded).map_err(says("body"))
}

/// A key's text; nothing where it is missing or null.
fn text<'a>(document: &'a Value, key: &str) -> Result<Option<&'a str>, String> {
    match document.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(format!("{key}: it is a text")),
    }
}

fn says<E: std::fmt::Display>(key: &'static str) -> impl Fn(E) -> String {
    move |error| format!("{key}: {error}")
}
