//! Keeps web pages out, by the rules of the other listeners.

use http::Request;
use http::header::HOST;
use proxy_config::Config;
use proxy_core::admit::HostPort;
use proxy_core::browser::{Browsers, OwnNames};
use proxy_core::error::{ErrorCode, ProxyError};
use resource_limits::ListenerRole;

/// Who may use the admin listener.
#[derive(Debug)]
pub(crate) struct Guard {
    names: OwnNames,
    browsers: Browsers,
}

impl Guard {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            names: OwnNames::new(&config.server.gateway_hosts),
            browsers: Browsers::without_pages(config),
        }
    }

    /// Rejects what a browser sends, and what is sent to a name that is not the proxy's. HTTP/1.0 clients may send no
    /// name; browsers always do.
    ///
    /// # Errors
    ///
    /// The codes of the other listeners for the same.
    pub(super) fn check<B>(&self, request: &Request<B>) -> Result<(), ProxyError> {
        let host = host(request)?;
        self.browsers
            .check(request.method(), request.headers(), host.as_ref(), &ListenerRole::Admin)?;
        if let Some(host) = host {
            self.names.check(&host)?;
        }
        Ok(())
    }
}

fn host<B>(request: &Request<B>) -> Result<Option<HostPort>, ErrorCode> {
    let mut named = request.headers().get_all(HOST).iter();
    let text = match (request.uri().authority(), named.next(), named.next()) {
        (_, Some(_), Some(_)) => return Err(ErrorCode::HostRepeated),
        (Some(authority), ..) => authority.as_str(),
        (None, Some(host), _) => host.to_str().map_err(|_| ErrorCode::HostMalformed)?,
        (None, None, ..) => return Ok(None),
    };
    HostPort::parse(text).map(Some).ok_or(ErrorCode::HostMalformed)
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;
    use proxy_config::Environment;

    #[track_caller]
    fn verdict(listener: &str, fields: &[(&str, &str)]) -> Result<(), (StatusCode, &'static str)> {
        verdict_with("", listener, fields)
    }

    #[track_caller]
    fn verdict_with(browsers: &str, listener: &str, fields: &[(&str, &str)]) -> Result<(), (StatusCode, &'static str)> {
        let toml = format!(
            "[server]\nadmin = \"{listener}\"\ngateway_hosts = [\"proxy.internal\", \"proxy\"]\n\
             [server.browsers]\norigins = [\"http://app.example\"]\n{browsers}\
             [connections.a]\nservice = \"s3\"\nregion = \"eu-west-1\"\nauth = {{ method = \"default-chain\" }}"
        );
        let config = Config::from_toml(&toml, &Environment::empty()).unwrap();
        let mut request = Request::get("/livez");
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let error = Guard::new(&config).check(&request.body(()).unwrap());
        error.map_err(|error| (error.code().status(), error.code().name()))
    }

    const LOOPBACK: &str = "127.0.0.1:9901";
    const EVERYWHERE: &str = "0.0.0.0:9901";

    #[test]
    fn our_names_are_addresses_localhost_and_configured_ones() {
        for host in [
            "127.0.0.1:9901",
            "[::1]:9901",
            "10.1.2.3",
            "localhost",
            "LOCALHOST:1",
            "proxy",
            "Proxy.Internal:9901",
        ] {
            assert_eq!(verdict(LOOPBACK, &[("host", host)]), Ok(()), "{host}");
        }
        assert_eq!(verdict(LOOPBACK, &[]), Ok(()));
    }

    #[test]
    fn other_names_and_nonsense_are_rejected() {
        for host in ["evil", "evil.example", "127.0.0.1.evil.example", "xproxy.internal"] {
            let want = Err((StatusCode::FORBIDDEN, "gateway-host-rejected"));
            assert_eq!(verdict(LOOPBACK, &[("host", host)]), want, "{host}");
        }
        for host in ["a b", ""] {
            let want = Err((StatusCode::BAD_REQUEST, "host-malformed"));
            assert_eq!(verdict(LOOPBACK, &[("host", host)]), want, "{host}");
        }
        let twice = [("host", "localhost"), ("host", "localhost")];
        assert_eq!(
            verdict(LOOPBACK, &twice),
            Err((StatusCode::BAD_REQUEST, "host-repeated"))
        );
    }

    #[test]
    fn no_page_reads_metrics_and_probes_do() {
        let host = ("host", "localhost:9901");
        for own in [
            [("sec-fetch-site", "none"), ("sec-fetch-mode", "navigate")],
            [("sec-fetch-site", "same-origin"), ("sec-fetch-mode", "cors")],
        ] {
            let want = Err((StatusCode::FORBIDDEN, "browser-rejected"));
            assert_eq!(verdict(LOOPBACK, &[host, own[0], own[1]]), want, "{own:?}");
        }
        // Listed for the listeners that sign, not for this one.
        let listed = [host, ("origin", "http://app.example"), ("sec-fetch-mode", "cors")];
        assert_eq!(verdict(LOOPBACK, &listed), Err((StatusCode::FORBIDDEN, "cross-site")));
        let browser = [
            ("host", "10.1.2.3:9901"),
            ("user-agent", "Mozilla/5.0"),
            ("accept-language", "en"),
        ];
        assert_eq!(
            verdict(EVERYWHERE, &browser),
            Err((StatusCode::FORBIDDEN, "browser-rejected"))
        );
        // Nor where a back end passes browsers' requests on to the listeners that sign.
        for fields in [&browser[..], &listed, &[host, ("sec-fetch-site", "same-origin")]] {
            let got = verdict_with("mode = \"pass\"\n", EVERYWHERE, fields);
            assert!(matches!(got, Err((StatusCode::FORBIDDEN, _))), "{fields:?}: {got:?}");
        }
        for probe in ["kube-probe/1.31", "Prometheus/3.0.0", "ELB-HealthChecker/2.0"] {
            let fields = [("host", "10.1.2.3:9901"), ("user-agent", probe)];
            assert_eq!(verdict(EVERYWHERE, &fields), Ok(()), "{probe}");
        }
    }
}
