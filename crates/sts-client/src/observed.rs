//! Measures the exchanges of the AWS SDK, below its retries: one for each request that is sent.

use std::net::IpAddr;
use std::sync::Arc;

use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use credential_assets::{CallObserver, CallOutcome, CallTarget, CallTimer};
use http::Uri;
use http::uri::Authority;

/// A connector whose exchanges are measured.
#[derive(Debug)]
pub(crate) struct Observed {
    connector: SharedHttpConnector,
    observer: Arc<dyn CallObserver>,
    called: Called,
}

/// Whom the requests are for.
#[derive(Clone, Debug)]
pub(crate) enum Called {
    /// All of them for one.
    One(CallTarget),
    /// As their addresses say; STS may have one of the operator's own.
    ByAddress { sts: Option<Authority> },
}

impl Observed {
    pub(crate) fn new(connector: SharedHttpConnector, observer: Arc<dyn CallObserver>, called: Called) -> Self {
        Self {
            connector,
            observer,
            called,
        }
    }
}

impl HttpConnector for Observed {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let timer = CallTimer::start(Some(&self.observer), self.called.target(request.uri()));
        let exchange = self.connector.call(request);
        HttpConnectorFuture::new(async move {
            let outcome = exchange.await;
            timer.end(match &outcome {
                Ok(response) => CallOutcome::of_status(response.status().as_u16()),
                Err(error) if error.is_timeout() => CallOutcome::TimedOut,
                Err(_) => CallOutcome::Unreachable,
            });
            outcome
        })
    }
}

impl Called {
    fn target(&self, uri: &str) -> CallTarget {
        let own_sts = match self {
            Self::One(target) => return *target,
            Self::ByAddress { sts } => sts,
        };
        let Ok(uri) = uri.parse::<Uri>() else {
            return CallTarget::Other;
        };
        let Some(authority) = uri.authority() else {
            return CallTarget::Other;
        };
        let host = authority.host();
        if own_sts.as_ref() == Some(authority) || host.starts_with("sts.") || host.starts_with("sts-fips.") {
            return CallTarget::Sts;
        }
        let address: Option<IpAddr> = host.trim_matches(['[', ']']).parse().ok();
        // That of EC2 may have another address by a variable; containers have theirs at one that is local to the link.
        if uri.path().starts_with("/latest/") || address.is_some_and(is_of_metadata) {
            return CallTarget::Metadata;
        }
        CallTarget::Other
    }
}

/// Whether only metadata services are there.
fn is_of_metadata(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => matches!(v6.segments(), [0xfd00, 0xec2, ..]),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::time::Duration;

    use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
    use aws_smithy_runtime_api::client::result::ConnectorError;
    use aws_smithy_types::body::SdkBody;
    use tokio::time::timeout;

    use super::*;

    /// Ends each exchange in the same way; `None` never.
    #[derive(Clone, Debug)]
    struct Canned(Option<Result<u16, fn() -> ConnectorError>>);

    impl HttpConnector for Canned {
        fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
            match self.0 {
                Some(Ok(status)) => {
                    let response = HttpResponse::new(status.try_into().unwrap(), SdkBody::empty());
                    HttpConnectorFuture::ready(Ok(response))
                }
                Some(Err(error)) => HttpConnectorFuture::ready(Err(error())),
                None => HttpConnectorFuture::new(std::future::pending()),
            }
        }
    }

    /// Keeps the outcomes.
    #[derive(Debug, Default)]
    struct Heard(Mutex<Vec<(CallTarget, CallOutcome)>>);

    impl CallObserver for Heard {
        fn ended(&self, target: CallTarget, outcome: CallOutcome, _: Duration) {
            self.0.lock().unwrap().push((target, outcome));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn every_exchange_is_measured_however_it_ends() {
        let io: fn() -> ConnectorError = || ConnectorError::io("refused".into());
        let late: fn() -> ConnectorError = || ConnectorError::timeout("late".into());
        for (canned, want) in [
            (Some(Ok(200)), CallOutcome::Ok),
            (Some(Ok(403)), CallOutcome::Rejected),
            (Some(Ok(503)), CallOutcome::Failed),
            (Some(Err(io)), CallOutcome::Unreachable),
            (Some(Err(late)), CallOutcome::TimedOut),
            // The operation's deadline drops the exchange.
            (None, CallOutcome::TimedOut),
        ] {
            let heard = Arc::new(Heard::default());
            let called = Called::One(CallTarget::Sts);
            let connector = Observed::new(SharedHttpConnector::new(Canned(canned)), heard.clone(), called);
            let exchange = connector.call(HttpRequest::empty());
            // Its outcome is that of the canned one.
            let _ = timeout(Duration::from_secs(1), exchange).await;
            assert_eq!(*heard.0.lock().unwrap(), [(CallTarget::Sts, want)]);
        }
    }

    #[test]
    fn exchanges_are_known_by_their_address() {
        let called = Called::ByAddress {
            sts: Some(Authority::from_static("127.0.0.1:4566")),
        };
        for (uri, want) in [
            ("https://sts.eu-west-1.amazonaws.com/", CallTarget::Sts),
            ("https://sts-fips.us-east-1.amazonaws.com/", CallTarget::Sts),
            ("http://127.0.0.1:4566/", CallTarget::Sts),
            ("http://169.254.169.254/latest/api/token", CallTarget::Metadata),
            (
                "http://127.0.0.1:9/latest/meta-data/iam/security-credentials/",
                CallTarget::Metadata,
            ),
            ("http://169.254.170.2/v2/credentials/x", CallTarget::Metadata),
            ("http://[fd00:ec2::23]/v1/credentials", CallTarget::Metadata),
            (
                "https://portal.sso.eu-west-1.amazonaws.com/federation/credentials",
                CallTarget::Other,
            ),
            ("no uri", CallTarget::Other),
        ] {
            assert_eq!(called.target(uri), want, "{uri}");
        }
        let one = Called::One(CallTarget::Asset("secretsmanager"));
        assert_eq!(
            one.target("https://sts.eu-west-1.amazonaws.com/"),
            CallTarget::Asset("secretsmanager")
        );
    }
}
