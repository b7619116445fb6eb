//! The name of the operation a request asks for.

mod s3;

use std::borrow::Cow;

use auth_model::ServiceId;
use aws_endpoints::percent::decode_utf8;
use http::{HeaderMap, Method};

use crate::mapping::bedrock::operation as bedrock;

/// What names an operation lies in: the head of a request, in its wire form.
#[derive(Clone, Copy, Debug)]
pub struct RequestHead<'a> {
    /// The service the request is signed for.
    pub service: &'a ServiceId,
    /// The method.
    pub method: &'a Method,
    /// The path, percent-encoded.
    pub path: &'a str,
    /// The query without its `?`, percent-encoded.
    pub query: Option<&'a str>,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// Whether the host already names the bucket, so that the path is the key.
    pub bucket_in_host: bool,
}

/// The operation's name as the service's API reference spells it, such as `GetObject`.
///
/// `None` where the head does not say: a Query protocol `Action` in a body, or a service whose
/// operations lie in paths that are not known here. Never more than 64 letters and digits, so it is
/// fit for a log field; a metric label still needs a bound on their number.
///
/// ```
/// use auth_model::ServiceId;
/// use http::{HeaderMap, Method};
/// use policy_gen::{RequestHead, operation};
///
/// let head = RequestHead {
///     service: &ServiceId::parse("s3")?,
///     method: &Method::GET,
///     path: "/reports/2026/january.csv",
///     query: Some("tagging="),
///     headers: &HeaderMap::new(),
///     bucket_in_host: false,
/// };
/// assert_eq!(operation(&head).as_deref(), Some("GetObjectTagging"));
/// # Ok::<(), auth_model::InvalidServiceId>(())
/// ```
#[must_use]
pub fn operation<'a>(head: &RequestHead<'a>) -> Option<Cow<'a, str>> {
    match head.service.as_str() {
        "s3" | "s3express" | "s3-object-lambda" | "s3-outposts" => s3::operation(head).map(Cow::Borrowed),
        "bedrock-runtime" => bedrock::operation(head.method, head.path).map(Cow::Borrowed),
        _ => from_target_header(head.headers)
            .or_else(|| from_rpc_path(head.path))
            .map(Cow::Borrowed)
            .or_else(|| head.query.and_then(from_action)),
    }
}

/// The operation of a Query protocol form (`Action=DescribeRegions&…`), in a query or a body.
///
/// `None` where there is no `Action`, or more than one, also to a reader who ends parameters at `;`.
#[must_use]
pub fn from_action(form: &str) -> Option<Cow<'_, str>> {
    let mut actions = form.split(['&', ';']).filter_map(|pair| pair.strip_prefix("Action="));
    let action = decode_utf8(actions.next()?).ok()?;
    (actions.next().is_none() && is_name(&action)).then_some(action)
}

/// `X-Amz-Target: WorkspacesService.DescribeWorkspaces`, of the JSON protocols.
fn from_target_header(headers: &HeaderMap) -> Option<&str> {
    let mut targets = headers.get_all("x-amz-target").iter();
    let target = targets.next()?.to_str().ok()?;
    let (_, name) = target.rsplit_once('.')?;
    (targets.next().is_none() && !target.contains(',') && is_name(name)).then_some(name)
}

/// `/service/WorkspacesService/operation/DescribeWorkspaces`, of Smithy RPC v2.
fn from_rpc_path(path: &str) -> Option<&str> {
    let (service, name) = path.strip_prefix("/service/")?.split_once("/operation/")?;
    (is_name(service) && is_name(name)).then_some(name)
}

/// Whether the text can be an operation's name in a Smithy model.
fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(service: &str, method: &str, target: &str, header: Option<(&'static str, &str)>, want: Option<&str>) {
        let service = ServiceId::parse(service).unwrap();
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let (path, query) = target.split_once('?').map_or((target, None), |(p, q)| (p, Some(q)));
        let mut headers = HeaderMap::new();
        if let Some((name, value)) = header {
            headers.insert(name, value.parse().unwrap());
        }
        let head = RequestHead {
            service: &service,
            method: &method,
            path,
            query,
            headers: &headers,
            bucket_in_host: false,
        };
        assert_eq!(operation(&head).as_deref(), want, "{method} {target}");
    }

    #[test]
    fn json_names_it_in_the_target_header() {
        let target = |text| Some(("x-amz-target", text));
        check(
            "workspaces",
            "POST",
            "/",
            target("WorkspacesService.DescribeWorkspaces"),
            Some("DescribeWorkspaces"),
        );
        check(
            "dynamodb",
            "POST",
            "/",
            target("DynamoDB_20120810.GetItem"),
            Some("GetItem"),
        );
        check("dynamodb", "POST", "/", target("no dot"), None);
        check("dynamodb", "POST", "/", target("x.PutItem,x.GetItem"), None);
        check("dynamodb", "POST", "/", target("x.not a name"), None);
    }

    #[test]
    fn query_names_it_once_in_the_action() {
        check(
            "ec2",
            "GET",
            "/?Version=2016-11-15&Action=DescribeRegions",
            None,
            Some("DescribeRegions"),
        );
        check("ec2", "GET", "/?Action=A&Action=B", None, None);
        check("ec2", "GET", "/?Action=A&x=1;Action=B", None, None);
        check("ec2", "GET", "/?Action=%0a", None, None);
        check("ec2", "POST", "/", None, None);
    }

    #[test]
    fn rpc_names_it_in_the_path() {
        check(
            "workspaces",
            "POST",
            "/service/WorkspacesService/operation/DescribeTags",
            None,
            Some("DescribeTags"),
        );
        check("workspaces", "POST", "/service/a/b/operation/DescribeTags", None, None);
    }

    #[test]
    fn s3_names_it_by_method_place_and_subresource() {
        check("s3", "GET", "/", None, Some("ListBuckets"));
        check("s3", "GET", "/b", None, Some("ListObjects"));
        check("s3", "GET", "/b/?list-type=2&prefix=x", None, Some("ListObjectsV2"));
        check("s3", "GET", "/b?versions=", None, Some("ListObjectVersions"));
        check("s3", "GET", "/b/k?versionId=1", None, Some("GetObject"));
        check("s3", "GET", "/b/k?%61cl", None, Some("GetObjectAcl"));
        check("s3", "HEAD", "/b/k", None, Some("HeadObject"));
        check("s3", "PUT", "/b/k?partNumber=1&uploadId=x", None, Some("UploadPart"));
        check(
            "s3",
            "PUT",
            "/b/k",
            Some(("x-amz-copy-source", "/b/j")),
            Some("CopyObject"),
        );
        check("s3", "POST", "/b?delete=", None, Some("DeleteObjects"));
        check("s3", "PATCH", "/b/k", None, None);
        check("s3", "GET", "/b?acl=&policy=", None, None);
    }

    #[test]
    fn bedrock_names_it_in_the_last_segment() {
        let check = |method, target, want| check("bedrock-runtime", method, target, None, want);
        check("POST", "/model/anthropic.claude-3%3A0/invoke", Some("InvokeModel"));
        check("POST", "/model/m/converse-stream", Some("ConverseStream"));
        check("POST", "/guardrail/g/version/1/apply", Some("ApplyGuardrail"));
        check("GET", "/async-invoke", Some("ListAsyncInvokes"));
        check("POST", "/guardrail-checks/invoke", Some("InvokeGuardrailChecks"));
        check("POST", "/model/a/b/invoke", None);
    }
}
