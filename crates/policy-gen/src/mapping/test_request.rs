//! Requests of the tests: one line each, and what must come of it.

use auth_model::{AccountId, Region, ServiceId};
use aws_endpoints::{HostResource, parse_host};
use http::{HeaderMap, HeaderName, Method};

use super::{BodyFraming, Mapping, MappingError, Need, Request, Server, map};

/// A request in the making.
#[derive(Clone)]
pub(super) struct TestRequest {
    pub(super) service: ServiceId,
    region: Region,
    account: Option<AccountId>,
    pub(super) host: HostResource,
    pub(super) server: Server,
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: Option<String>,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

/// `METHOD HOST/PATH?QUERY`; a host that is none of AWS's is S3's.
pub(super) fn test_request(line: &str) -> TestRequest {
    let (method, target) = line.split_once(' ').unwrap();
    let (host, path) = target.split_at(target.find('/').unwrap());
    let (path, query) = path.split_once('?').map_or((path, None), |(p, q)| (p, Some(q)));
    let (service, region, host, server) = match parse_host(host) {
        Ok(host) => (host.service, host.region, host.resource, Server::Aws),
        Err(_) => (ServiceId::parse("s3").unwrap(), None, HostResource::None, Server::Other),
    };
    TestRequest {
        service,
        region: region.unwrap_or_else(|| Region::parse("eu-west-1").unwrap()),
        account: Some(AccountId::parse("111122223333").unwrap()),
        host,
        server,
        method: method.parse().unwrap(),
        path: path.to_owned(),
        query: query.map(str::to_owned),
        headers: HeaderMap::new(),
        body: Vec::new(),
    }
}

impl TestRequest {
    pub(super) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers
            .append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        self
    }

    pub(super) fn with_body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    pub(super) fn without_account(mut self) -> Self {
        self.account = None;
        self
    }

    pub(super) fn as_request(&self) -> Request<'_> {
        Request {
            service: &self.service,
            region: &self.region,
            account: self.account.as_ref(),
            host: &self.host,
            method: &self.method,
            path: &self.path,
            query: self.query.as_deref(),
            headers: &self.headers,
            server: self.server,
            body: BodyFraming::of_length(self.body.len().try_into().unwrap()),
        }
    }

    pub(super) fn map(&self) -> Result<Mapping, MappingError> {
        map(&self.as_request(), Some(&self.body))
    }

    /// The needs, each `ACTION RESOURCE` with ` if KEY=VALUE` behind it; `?` where the resource is unresolved.
    #[track_caller]
    pub(super) fn is(&self, want: &[&str]) {
        let found: Vec<String> = self.map().unwrap().required.iter().map(shown).collect();
        assert_eq!(found, want);
    }

    #[track_caller]
    pub(super) fn is_rejected(&self, want: &str) {
        let error = self.map().unwrap_err().to_string();
        assert!(error.contains(want), "{error}");
    }
}

fn shown(need: &Need) -> String {
    let resource = need.resource.to_iam().map_or_else(|| "?".to_owned(), Into::into);
    let shown = format!("{} {resource}", need.action);
    let conditions = need.conditions.iter();
    conditions.fold(shown, |shown, c| format!("{shown} if {}={}", c.key, c.value))
}
