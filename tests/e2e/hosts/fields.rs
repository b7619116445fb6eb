//! Whose resource a request means by a field of its head or its query, whatever its host is.

use super::*;

/// Whatever a service would make of several accounts, or of one in the query, no other account is signed for.
#[tokio::test]
async fn an_account_that_is_not_named_once_is_rejected() {
    let host = "s3-control.us-east-1.amazonaws.com";
    let (own, other) = (
        "x-amz-account-id: 111122223333\r\n",
        "x-amz-account-id: 999999999999\r\n",
    );
    let ambiguous = [
        (
            "/v20180820/jobs",
            "x-amz-account-id: 999999999999, 111122223333\r\n".to_owned(),
        ),
        ("/v20180820/jobs", format!("{own}{other}")),
        ("/v20180820/jobs", format!("{own}{own}")),
        ("/v20180820/jobs", "x-amz-account-id: 99999999999\r\n".to_owned()),
        ("/v20180820/jobs", "x-amz-account-id: 999999999999;\r\n".to_owned()),
        ("/v20180820/jobs", "x-amz-account-id:\r\n".to_owned()),
        ("/v20180820/jobs?x-amz-account-id=999999999999", own.to_owned()),
        ("/v20180820/jobs?x-amz-account-id", String::new()),
        (
            "/v20180820/jobs?a=b&X-Amz-Account-%49d=111122223333&x-amz-account-id=999999999999",
            String::new(),
        ),
    ];
    let (mut tunnels, proxy) = to_aws("s3-control", "").await;
    for (target, more) in ambiguous {
        for (is_own, request) in ways(host, target, &more) {
            let (status, code, hint) = send(&proxy, is_own, &request).await;
            assert_eq!((status, code.as_str()), (400, "head-ambiguous"), "{request}: {hint}");
            assert!(hint.contains("x-amz-account-id"), "{hint}");
            assert!(tunnels.is_untouched(), "{request} went out");
        }
    }
    let others_host = format!("999999999999.{host}");
    is_rejected(
        "s3-control",
        host,
        "/jobs?X-Amz-Account-%49d=999999999999",
        "",
        &others_host,
    )
    .await;
    goes_out("s3-control", "", host, "/jobs?x-amz-account-id=111122223333", "").await;
    goes_out(
        "s3-control",
        &format!("hosts = [\"{others_host}\"]"),
        host,
        "/jobs",
        other,
    )
    .await;
}

/// A VPC endpoint leads to the API that a header names, whichever host is listed.
#[tokio::test]
async fn an_api_that_a_header_names_must_be_listed() {
    let (regional, endpoint) = (
        "execute-api.us-east-1.amazonaws.com",
        "vpce-0ab-cd.execute-api.us-east-1.vpce.amazonaws.com",
    );
    let header = "x-apigw-api-id: attackers\r\n";
    let listed = format!("hosts = [\"{regional}\", \"{endpoint}\", \"mine.{regional}\"]");
    for host in [regional, endpoint, "mine.execute-api.us-east-1.amazonaws.com"] {
        let (mut tunnels, proxy) = to_aws("execute-api", &listed).await;
        for (target, more, want) in [
            ("/stage", header, (403, "host-not-listed")),
            ("/stage?x-apigw-api-id=attackers", "", (403, "host-not-listed")),
            (
                "/stage?x-apigw-api-id=attackers",
                "x-apigw-api-id: mine\r\n",
                (400, "head-ambiguous"),
            ),
            (
                "/stage",
                "x-apigw-api-id: mine\r\nx-apigw-api-id: attackers\r\n",
                (400, "head-ambiguous"),
            ),
            ("/stage", "x-apigw-api-id: mine, attackers\r\n", (400, "head-ambiguous")),
            ("/stage", "x-apigw-api-id: attackers/mine\r\n", (400, "head-ambiguous")),
        ] {
            for (is_own, request) in ways(host, target, more) {
                let (status, code, hint) = send(&proxy, is_own, &request).await;
                assert_eq!((status, code.as_str()), want, "{request}: {hint}");
                assert!(tunnels.is_untouched(), "{request} went out");
            }
        }
        goes_out("execute-api", &listed, host, "/stage", "x-apigw-api-id: MINE\r\n").await;
    }
    is_rejected("execute-api", regional, "/stage", header, regional).await;
    // A connection to the operator's own endpoint too: whose API it is follows from the header alone.
    let upstream = Recorder::start(OK).await;
    let keys = "hosts = [\"mine.execute-api.us-east-1.amazonaws.com\"]";
    let url = format!("http://{}", upstream.address);
    let proxy = proxy(&connection("it", "execute-api", &url, keys)).await;
    for (more, want) in [(header, 403), ("x-apigw-api-id: mine\r\n", 200), ("", 200)] {
        let request = format!("GET /stage HTTP/1.1\r\nHost: localhost\r\n{more}\r\n");
        assert_eq!(ask(proxy.addr().unwrap(), request).await.status, want, "{more}");
    }
}
