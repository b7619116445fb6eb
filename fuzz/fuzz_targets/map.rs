//! Any request's needs: a rejection or a mapping, the same every time, and no parameter takes anything away from it.
#![no_main]

use auth_model::{AccountId, Region, ServiceId};
use aws_endpoints::{HostResource, parse_host};
use libfuzzer_sys::fuzz_target;
use policy_gen::mapping::{self, BodyFraming, BodyNeed, Mapping, Request, Resource, Server};
use signing_proxy_fuzz::Text;

fuzz_target!(|input: &[u8]| {
    let text = Text::read(input);
    let Some(head) = text.head() else { return };
    // The word names a service, or the host that tells it.
    let (service, host) = match (parse_host(text.word), ServiceId::parse(text.word)) {
        (Ok(host), _) => (host.service, host.resource),
        (Err(_), Ok(service)) => (service, HostResource::None),
        (Err(_), Err(_)) => return,
    };
    let region = Region::parse("eu-west-1").expect("a region");
    let account = AccountId::parse("111122223333").expect("an account");
    let request = Request {
        service: &service,
        region: &region,
        account: Some(&account),
        host: &host,
        method: &head.method,
        path: head.uri.path(),
        query: head.uri.query(),
        headers: &head.headers,
        server: Server::Other,
        body: BodyFraming::of_length(text.body.len() as u64),
    };
    let Ok(found) = mapping::map(&request, Some(text.body)) else {
        return;
    };
    check(&found);
    if mapping::needs_body(&request) == BodyNeed::No {
        assert_eq!(mapping::map(&request, None).as_ref(), Ok(&found), "the body counts, and was not requested");
    }
    let longer = format!("{}&x-other=acl", request.query.unwrap_or_default());
    let with_other = Request { query: Some(&longer), ..request };
    if let Ok(other) = mapping::map(&with_other, Some(text.body)) {
        assert_eq!(other.operation, found.operation);
        assert_eq!(other.required, found.required);
    }
    let unknown = Request { account: None, ..request };
    if let Ok(other) = mapping::map(&unknown, Some(text.body)) {
        assert_eq!(other.required.is_empty(), found.required.is_empty(), "without an account nothing is free");
    }
});

fn check(found: &Mapping) {
    assert!(!found.operation.is_empty());
    for need in found.required.iter().chain(&found.advisory) {
        let (prefix, name) = need.action.split_once(':').expect("an action has a prefix");
        assert!(!prefix.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{need:?}");
        match &need.resource {
            Resource::Exact(arn) | Resource::Pattern(arn) => assert!(arn.starts_with("arn:"), "{need:?}"),
            Resource::Any | Resource::Unresolved(_) => {}
        }
        // What came in the request's own text is a literal in IAM's language.
        if let (Resource::Exact(_), Some(pattern)) = (&need.resource, need.resource.to_iam()) {
            let bare = pattern.replace("${*}", "").replace("${?}", "").replace("${$}", "");
            assert!(!bare.contains(['*', '?', '$']), "{pattern}");
        }
    }
}
