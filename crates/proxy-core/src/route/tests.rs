use http::{Request, Version};
use proxy_config::Environment;

use super::*;
use crate::admit::admit;
use crate::authenticate::authenticate;

const ONE: &str = r#"
[server]
listen = "127.0.0.1:8080"
gateway_hosts = ["signer.internal", "proxy"]
[connections.reports]
service = "s3"
region = "eu-west-1"
auth = { method = "default-chain" }
"#;

const CHINA: &str = r#"
[connections.reports]
service = "s3"
region = "cn-north-1"
auth = { method = "default-chain" }
"#;

const SEVERAL: &str = r#"
[server]
listen = "127.0.0.1:8080"
[connections.reports]
service = "s3"
region = "eu-west-1"
listen = "127.0.0.1:8081"
auth = { method = "default-chain" }
[connections.archive]
service = "s3"
region = "us-east-1"
auth = { method = "default-chain" }
[connections.archive-2]
service = "s3"
region = "us-east-1"
auth = { method = "default-chain" }
[connections.maps]
service = "geo-maps"
region = "eu-west-1"
auth = { method = "default-chain" }
[connections.new]
service = "not-yet-known"
region = "eu-west-1"
auth = { method = "default-chain" }
[connections.users]
service = "iam"
region = "eu-west-1"
auth = { method = "default-chain" }
[connections.models]
service = "bedrock-runtime"
region = "us-east-1"
use_fips = true
auth = { method = "default-chain" }
[connections.local]
service = "s3"
region = "garage"
endpoint = "https://minio.internal:9000"
auth = { method = "default-chain" }
[connections.local-virtual]
service = "s3"
region = "ap-south-1"
endpoint = "http://localhost:9001"
bucket_addressing = "virtual"
auth = { method = "default-chain" }
[connections.virtual]
service = "s3"
region = "eu-north-1"
bucket_addressing = "virtual"
auth = { method = "default-chain" }
"#;

struct Case {
    config: &'static str,
    listener: ListenerRole,
    version: Version,
    headers: Vec<(&'static str, &'static str)>,
}

fn one() -> Case {
    Case {
        config: ONE,
        listener: ListenerRole::Shared,
        version: Version::HTTP_11,
        headers: vec![("host", "127.0.0.1:8080")],
    }
}

fn several() -> Case {
    Case {
        config: SEVERAL,
        ..one()
    }
}

impl Case {
    fn host(mut self, host: &'static str) -> Self {
        self.headers.retain(|(name, _)| *name != "host");
        self.headers.push(("host", host));
        self
    }

    fn header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.push((name, value));
        self
    }

    fn on(mut self, listener: &str) -> Self {
        self.listener = ListenerRole::Connection(ConnectionName::parse(listener).unwrap());
        self
    }

    fn route(&self, uri: &str) -> Result<Target, ProxyError> {
        let config = Config::from_toml(self.config, &Environment::empty()).unwrap();
        let mut request = Request::builder().uri(uri).version(self.version);
        for (name, value) in &self.headers {
            request = request.header(*name, *value);
        }
        let head = request.body(()).unwrap().into_parts().0;
        let router = Router::new(&config, Ok::<_, RouteError>).unwrap();
        let request = authenticate(admit(head, "p").unwrap());
        Ok(router.route(request, &self.listener)?.into_parts().1)
    }

    #[track_caller]
    fn goes_to(&self, uri: &str, connection: &str, url: &str) -> Target {
        let target = self.route(uri).unwrap();
        let got = format!(
            "{}://{}{}",
            target.scheme.as_str(),
            target.authority,
            target.path_and_query
        );
        assert_eq!((target.route.name().as_str(), got.as_str()), (connection, url), "{uri}");
        target
    }

    #[track_caller]
    fn refuses(&self, uri: &str, want: ErrorCode) -> String {
        let error = self.route(uri).map(|target| target.authority).unwrap_err();
        assert_eq!(error.code(), want, "{uri}");
        error.hint().to_owned()
    }
}

#[test]
fn forward_mode_goes_where_the_client_requested_over_tls() {
    for uri in [
        "http://Bucket.s3.eu-west-1.amazonaws.com/a//b?x=1",
        "https://bucket.s3.eu-west-1.amazonaws.com/a//b?x=1",
        "http://bucket.s3.eu-west-1.amazonaws.com:80/a//b?x=1",
        "http://bucket.s3.eu-west-1.amazonaws.com:443/a//b?x=1",
    ] {
        let target = one().goes_to(uri, "reports", "https://bucket.s3.eu-west-1.amazonaws.com/a//b?x=1");
        assert!(names_bucket(&target.resource));
    }
    let target = one().goes_to(
        "http://s3.eu-west-1.amazonaws.com/bucket/k",
        "reports",
        "https://s3.eu-west-1.amazonaws.com/bucket/k",
    );
    assert!(!names_bucket(&target.resource));
}

#[test]
fn an_aws_host_header_is_as_good_as_a_whole_url() {
    one()
        .host("s3.eu-west-1.amazonaws.com")
        .goes_to("/@b/k", "reports", "https://s3.eu-west-1.amazonaws.com/@b/k");
}

#[test]
fn http_2_forwards_by_authority() {
    let case = Case {
        version: Version::HTTP_2,
        headers: vec![],
        ..one()
    };
    case.goes_to(
        "http://s3.eu-west-1.amazonaws.com/k",
        "reports",
        "https://s3.eu-west-1.amazonaws.com/k",
    );
    case.goes_to(
        "http://localhost:8080/b/k",
        "reports",
        "https://s3.eu-west-1.amazonaws.com/b/k",
    );
}

#[test]
fn a_host_of_no_connection_is_refused_with_those_that_exist() {
    let hint = one().refuses("http://s3.eu-central-1.amazonaws.com/", ErrorCode::NoConnection);
    assert!(hint.ends_with("There are: reports (s3, eu-west-1)."), "{hint}");
    one().refuses("http://ec2.eu-west-1.amazonaws.com/", ErrorCode::NoConnection);
    several().refuses("http://s3.us-east-1.amazonaws.com/", ErrorCode::ConnectionAmbiguous);
    one().refuses("http://example.com/", ErrorCode::HostUnknown);
    one().refuses("http://localhost:3000/", ErrorCode::HostUnknown);
    one().refuses("http://intranet/", ErrorCode::HostUnknown);
    one().refuses("http://s3.eu-west-1.amazonaws.com:8443/", ErrorCode::HostUnknown);
}

#[test]
fn the_header_chooses_among_several() {
    let case = several().header(CONNECTION_HEADER, "archive");
    case.goes_to(
        "http://s3.us-east-1.amazonaws.com/k",
        "archive",
        "https://s3.us-east-1.amazonaws.com/k",
    );
    case.goes_to("/b/k", "archive", "https://s3.us-east-1.amazonaws.com/b/k");
    // The header goes before the path, which then is the service's as it stands.
    case.goes_to("/@users/k", "archive", "https://s3.us-east-1.amazonaws.com/@users/k");
    case.refuses("http://s3.eu-west-1.amazonaws.com/", ErrorCode::ConnectionMismatch);
    let hint = several()
        .header(CONNECTION_HEADER, "nobody")
        .refuses("/", ErrorCode::ConnectionUnknown);
    assert!(hint.contains("archive-2 (s3, us-east-1)"), "{hint}");
    several()
        .header(CONNECTION_HEADER, "archive")
        .header(CONNECTION_HEADER, "users")
        .refuses("/", ErrorCode::ConnectionAmbiguous);
}

#[test]
fn gateway_mode_needs_a_choice_where_there_is_one() {
    one().goes_to("/b/k?x", "reports", "https://s3.eu-west-1.amazonaws.com/b/k?x");
    several().refuses("/b/k", ErrorCode::ConnectionAmbiguous);
    several().goes_to(
        "/@users/?Action=ListUsers",
        "users",
        "https://iam.amazonaws.com/?Action=ListUsers",
    );
    several().goes_to("/@reports/b/@k", "reports", "https://s3.eu-west-1.amazonaws.com/b/@k");
    several().refuses("/@nobody/b", ErrorCode::ConnectionUnknown);
    one().refuses("/@nobody/b", ErrorCode::ConnectionUnknown);
}

#[test]
fn a_listener_of_its_own_serves_its_connection_only() {
    let case = several().on("reports");
    case.goes_to("/@users/k", "reports", "https://s3.eu-west-1.amazonaws.com/@users/k");
    case.goes_to(
        "http://s3.eu-west-1.amazonaws.com/k",
        "reports",
        "https://s3.eu-west-1.amazonaws.com/k",
    );
    case.refuses("http://s3.us-east-1.amazonaws.com/", ErrorCode::ConnectionMismatch);
}

#[test]
fn a_listener_of_its_own_shows_nothing_of_other_connections() {
    let on = || several().on("reports");
    let hints = [
        // One that there is, and one that there is not: no client can tell them apart.
        on().header(CONNECTION_HEADER, "users")
            .refuses("/", ErrorCode::ConnectionMismatch),
        on().header(CONNECTION_HEADER, "nobody")
            .refuses("/", ErrorCode::ConnectionMismatch),
        on().header(CONNECTION_HEADER, "reports")
            .header(CONNECTION_HEADER, "users")
            .refuses("/", ErrorCode::ConnectionAmbiguous),
        on().refuses("http://s3.us-east-1.amazonaws.com/", ErrorCode::ConnectionMismatch),
        // The endpoint of another connection is a host like any other.
        on().refuses("http://minio.internal:9000/b/k", ErrorCode::HostUnknown),
        on().host("minio.internal:9000")
            .refuses("/b/k", ErrorCode::GatewayHostRejected),
        // So is the host that the tables make of another one's service.
        on().refuses(
            "http://not-yet-known.eu-west-1.amazonaws.com/k",
            ErrorCode::HostUnsupported,
        ),
    ];
    assert_eq!(hints[0], hints[1]);
    for hint in hints {
        for other in ["users", "archive", "maps", "minio", "us-east-1", "iam"] {
            assert!(!hint.contains(other), "{other}: {hint}");
        }
    }
}

#[test]
fn the_shared_listener_lists_the_connections_unless_it_must_not() {
    let quiet = SEVERAL.replace("[server]", "[server]\nlist_connections = false");
    let quiet = || Case {
        config: Box::leak(quiet.clone().into_boxed_str()),
        ..one()
    };
    let hints = [
        quiet()
            .header(CONNECTION_HEADER, "nobody")
            .refuses("/", ErrorCode::ConnectionUnknown),
        quiet().refuses("/b/k", ErrorCode::ConnectionAmbiguous),
        quiet().refuses("/@nobody/b", ErrorCode::ConnectionUnknown),
        quiet().refuses("http://s3.eu-central-1.amazonaws.com/", ErrorCode::NoConnection),
    ];
    for hint in hints {
        assert!(!hint.contains("There are") && !hint.contains("reports"), "{hint}");
    }
}

#[test]
fn gateway_hosts_are_the_proxys_own_names() {
    for host in [
        "localhost",
        "localhost:8080",
        "[::1]:8080",
        "192.0.2.1",
        "proxy",
        "signer.internal:8080",
    ] {
        one()
            .host(host)
            .goes_to("/b/k", "reports", "https://s3.eu-west-1.amazonaws.com/b/k");
    }
    for host in ["evil.example", "rebound.example:8080", "evil", "evil:8080"] {
        one().host(host).refuses("/b/k", ErrorCode::GatewayHostRejected);
    }
    let nameless = Case {
        version: Version::HTTP_10,
        headers: vec![],
        ..one()
    };
    nameless.goes_to("/b/k", "reports", "https://s3.eu-west-1.amazonaws.com/b/k");
    one().goes_to(
        "http://127.0.0.1:8080/b/k",
        "reports",
        "https://s3.eu-west-1.amazonaws.com/b/k",
    );
}

#[test]
fn a_bucket_before_the_proxys_name_becomes_a_path() {
    one()
        .host("bucket.localhost:8080")
        .goes_to("/k?x", "reports", "https://s3.eu-west-1.amazonaws.com/bucket/k?x");
    several().host("bucket.localhost:8080").goes_to(
        "/@models/model/x/invoke",
        "models",
        "https://bedrock-runtime-fips.us-east-1.amazonaws.com/model/x/invoke",
    );
}

#[test]
fn global_services_are_signed_for_their_home() {
    let target = several().goes_to("http://iam.amazonaws.com/", "users", "https://iam.amazonaws.com/");
    assert_eq!(target.route.scope.region.as_str(), "us-east-1");
}

#[test]
fn who_requested_fips_does_not_leave_it() {
    several().refuses(
        "http://bedrock-runtime.us-east-1.amazonaws.com/",
        ErrorCode::NoConnection,
    );
    let target = several().goes_to(
        "http://bedrock-runtime-fips.us-east-1.amazonaws.com/model/x/invoke",
        "models",
        "https://bedrock-runtime-fips.us-east-1.amazonaws.com/model/x/invoke",
    );
    assert_eq!(target.route.scope.name.as_str(), "bedrock");
}

#[test]
fn an_endpoint_takes_the_place_of_awss() {
    let case = several().host("minio.internal:9000");
    for uri in ["http://minio.internal:9000/b/k", "/b/k"] {
        let target = case.goes_to(uri, "local", "https://minio.internal:9000/b/k");
        assert_eq!(target.route.scope.region.as_str(), "garage");
    }
    case.goes_to(
        "http://b.minio.internal:9000/k",
        "local",
        "https://minio.internal:9000/b/k",
    );
    several().refuses("http://minio.internal/k", ErrorCode::HostUnknown);
    several()
        .header(CONNECTION_HEADER, "archive")
        .refuses("http://minio.internal:9000/", ErrorCode::ConnectionMismatch);
}

#[test]
fn an_endpoint_below_anothers_name_is_no_bucket_of_its_own() {
    const NESTED: &str = r#"
        [connections.a]
        service = "s3"
        region = "garage"
        endpoint = "http://internal:9000"
        allow_cleartext = true
        auth = { method = "default-chain" }
        [connections.b]
        service = "s3"
        region = "garage"
        endpoint = "http://minio.internal:9000"
        allow_cleartext = true
        auth = { method = "default-chain" }
    "#;
    let case = || Case {
        config: NESTED,
        ..one()
    };
    let (uri, to_a, to_b) = (
        "http://x.minio.internal:9000/k",
        "http://internal:9000/x.minio/k",
        "http://minio.internal:9000/x/k",
    );
    case().header(CONNECTION_HEADER, "a").goes_to(uri, "a", to_a);
    case().header(CONNECTION_HEADER, "b").goes_to(uri, "b", to_b);
    case().refuses(uri, ErrorCode::ConnectionAmbiguous);
}

#[test]
fn aws_hosts_of_a_connection_with_an_endpoint_lead_there() {
    let case = several();
    case.goes_to(
        "http://s3.ap-south-1.amazonaws.com/bucket/k",
        "local-virtual",
        "http://bucket.localhost:9001/k",
    );
    let target = case.goes_to(
        "http://bucket.s3.ap-south-1.amazonaws.com/k",
        "local-virtual",
        "http://bucket.localhost:9001/k",
    );
    assert!(names_bucket(&target.resource));
}

#[test]
fn virtual_addressing_moves_the_bucket_into_the_host() {
    let case = several();
    case.goes_to(
        "/@virtual/bucket/k/l?x",
        "virtual",
        "https://bucket.s3.eu-north-1.amazonaws.com/k/l?x",
    );
    case.goes_to(
        "/@virtual/bucket?acl",
        "virtual",
        "https://bucket.s3.eu-north-1.amazonaws.com/?acl",
    );
    for target in ["/", "/?x", "/Not.A.Label/k", "/a.b.c/k", "/-ab/k"] {
        let uri = format!("/@virtual{target}");
        case.goes_to(&uri, "virtual", &format!("https://s3.eu-north-1.amazonaws.com{target}"));
    }
}

#[test]
fn of_a_hosts_meanings_the_configured_one_counts() {
    several().goes_to(
        "http://maps.geo.eu-west-1.amazonaws.com/v2",
        "maps",
        "https://maps.geo.eu-west-1.amazonaws.com/v2",
    );
}

#[test]
fn a_multi_region_host_belongs_to_the_one_connection_of_its_service_and_partition() {
    const HOST: &str = "http://mfzwi23gnjvgw.mrap.accesspoint.s3-global.amazonaws.com/k";
    let target = one().goes_to(
        HOST,
        "reports",
        "https://mfzwi23gnjvgw.mrap.accesspoint.s3-global.amazonaws.com/k",
    );
    assert_eq!(target.signature, SignatureVersion::V4a);
    assert!(names_bucket(&target.resource));
    several().refuses(HOST, ErrorCode::ConnectionAmbiguous);
    let chosen = several().header(CONNECTION_HEADER, "archive");
    chosen.goes_to(
        HOST,
        "archive",
        "https://mfzwi23gnjvgw.mrap.accesspoint.s3-global.amazonaws.com/k",
    );
    for other in ["users", "local-virtual"] {
        let case = several().header(CONNECTION_HEADER, other);
        case.refuses(HOST, ErrorCode::ConnectionMismatch);
    }
    let china = Case { config: CHINA, ..one() };
    china.refuses(HOST, ErrorCode::NoConnection);
    let regional = one().goes_to("/b/k", "reports", "https://s3.eu-west-1.amazonaws.com/b/k");
    assert_eq!(regional.signature, SignatureVersion::V4);
}

#[test]
fn a_service_newer_than_the_tables_has_the_host_they_make_of_its_name() {
    several().goes_to(
        "http://not-yet-known.eu-west-1.amazonaws.com/k",
        "new",
        "https://not-yet-known.eu-west-1.amazonaws.com/k",
    );
    one().refuses(
        "http://not-yet-known.eu-west-1.amazonaws.com/k",
        ErrorCode::HostUnsupported,
    );
}
