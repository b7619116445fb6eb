//! Codes and messages are those that the AWS SDK reads: the same bytes are given to the SDK's clients of STS (the Query
//! protocol) and of IAM Identity Center (REST JSON).

use std::sync::Arc;

use aws_credential_types::Credentials;
use aws_sdk_sts::config::{BehaviorVersion, Region};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_types::retry::RetryConfig;
use http::{HeaderMap, HeaderName, StatusCode};
use proptest::prelude::*;

use crate::ErrorResponse;

/// A service that responds with this, whatever it is sent.
#[derive(Clone, Debug)]
struct Service {
    error_type: Option<String>,
    body: Arc<str>,
}

impl HttpClient for Service {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Service {
    fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
        let mut response = HttpResponse::new(STATUS.as_u16().try_into().unwrap(), SdkBody::from(&*self.body));
        if let Some(code) = self.error_type.clone() {
            response.headers_mut().insert(ERROR_TYPE, code);
        }
        HttpConnectorFuture::ready(Ok(response))
    }
}

const STATUS: StatusCode = StatusCode::BAD_REQUEST;

const ERROR_TYPE: &str = "x-amzn-errortype";

type Found = (Option<String>, String);

fn found(error: &impl ProvideErrorMetadata) -> Found {
    let message = error.message().unwrap_or_default();
    let error = ErrorResponse::new(error.code().unwrap_or_default(), message);
    (error.code().map(str::to_owned), error.message().to_owned())
}

impl Service {
    fn by_sts(self) -> Found {
        let config = aws_sdk_sts::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .credentials_provider(Credentials::new("AKIAIOSFODNN7EXAMPLE", "secret", None, None, "test"))
            .retry_config(RetryConfig::disabled())
            .http_client(self)
            .build();
        let call = aws_sdk_sts::Client::from_conf(config).get_caller_identity();
        found(&run(call.send()).unwrap_err())
    }

    fn by_identity_center(self) -> Found {
        let config = aws_sdk_sso::Config::builder()
            .behavior_version(aws_sdk_sso::config::BehaviorVersion::latest())
            .region(aws_sdk_sso::config::Region::new("eu-west-1"))
            .retry_config(RetryConfig::disabled())
            .http_client(self)
            .build();
        let client = aws_sdk_sso::Client::from_conf(config);
        let call = client
            .get_role_credentials()
            .role_name("r")
            .account_id("1")
            .access_token("t");
        found(&run(call.send()).unwrap_err())
    }

    fn by_us(&self) -> Found {
        let field = (HeaderName::from_static(ERROR_TYPE), self.error_type.as_ref());
        let headers = match field {
            (name, Some(code)) => HeaderMap::from_iter([(name, code.parse().unwrap())]),
            (_, None) => HeaderMap::new(),
        };
        let error = ErrorResponse::read(STATUS, &headers, self.body.as_bytes());
        (error.code().map(str::to_owned), error.message().to_owned())
    }
}

fn run<T>(call: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.unwrap().block_on(call)
}

fn service(body: &str) -> Service {
    Service {
        error_type: None,
        body: body.into(),
    }
}

#[track_caller]
fn check_sts(body: &str) {
    let service = service(body);
    assert_eq!(service.by_us(), service.by_sts(), "{body}");
}

#[track_caller]
fn check_json(error_type: Option<&str>, body: &str) {
    let error_type = error_type.map(str::to_owned);
    let service = Service {
        error_type,
        ..service(body)
    };
    assert_eq!(service.by_us(), service.by_identity_center(), "{body}");
}

#[test]
fn query_errors_are_those_that_the_sdk_reads() {
    for body in [
        "<ErrorResponse><Error><Type>Sender</Type><Code>A.B</Code><Message>m</Message></Error></ErrorResponse>",
        "<?xml version=\"1.0\"?>\n<ErrorResponse xmlns=\"x\"><Error>\n<Message> m </Message>\n<Code>A</Code></Error></ErrorResponse>",
        "<ErrorResponse><Error><Code>A</Code><Message>&lt;a&#x41;&#66;&amp;&apos;&quot;></Message></Error></ErrorResponse>",
        "<ErrorResponse><Error><Code>A</Code><Message>first\nsecond</Message></Error></ErrorResponse>",
        "<e:ErrorResponse xmlns:e=\"x\"><e:Error><e:Code>A</e:Code></e:Error></e:ErrorResponse>",
        "<ErrorResponse><Error><Detail><Code>B</Code></Detail><Code>A</Code></Error></ErrorResponse>",
        "<ErrorResponse><RequestId>1</RequestId></ErrorResponse>",
        "<html><Code>A</Code></html>",
    ] {
        check_sts(body);
    }
}

#[test]
fn json_errors_are_those_that_the_sdk_reads() {
    for body in [
        r#"{"__type":"FooError","message":"m"}"#,
        r#"{"code":"com.amazonaws#FooError","Message":"m"}"#,
        r#"{"code":"FooError:http://internal.amazon.com/","errorMessage":"m"}"#,
        r#"{"nested":{"__type":"Other","message":"n"},"__type":"FooError","list":[{"code":"Other"}],"message":"\u0041\n\""}"#,
        r#"{"__type":{"code":"A"},"message":["m"]}"#,
        r#"{"__type":"A","__type":"B","message":"m","message":"n"}"#,
        "{}",
    ] {
        check_json(None, body);
        check_json(Some("aws.protocols#BarError:http://internal.amazon.com/"), body);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_text_in_a_query_error_is_what_the_sdk_reads(
        code in "[A-Za-z0-9._-]{1,40}",
        message in "([ -~]|\\PC){0,60}",
    ) {
        let escaped = message.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let body = format!("<ErrorResponse><Error><Code>{code}</Code><Message>{escaped}</Message></Error></ErrorResponse>");
        prop_assert_eq!(service(&body).by_us(), service(&body).by_sts());
    }

    #[test]
    fn any_text_in_a_json_error_is_what_the_sdk_reads(
        code in "([a-z.]{1,10}#)?[A-Za-z0-9._-]{1,40}(:http://x/)?",
        message in "(?s).{0,60}",
        key in prop::sample::select(vec!["__type", "code"]),
    ) {
        let body = serde_json::json!({ key: code, "message": message }).to_string();
        prop_assert_eq!(service(&body).by_us(), service(&body).by_identity_center());
    }
}
