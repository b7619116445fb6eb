//! What is said where something else than the service responds: a web server, a captive portal, a port that speaks TLS.

use aws_errors::ErrorResponse;
use http::StatusCode;
use proxy_config::Scheme;
use proxy_core::error::SPOKEN;

use super::shape::{described, redirected_to};
use super::{ProbeResponse, SentProbe, code_of};
use crate::check::report::{Cause, Finding, Outcome, ResponsibleParty};

/// What is wrong with an `http` endpoint whose port speaks TLS.
pub(super) fn speaks_tls() -> Cause {
    Cause::new(
        ResponsibleParty::Endpoint,
        "the port speaks TLS, and `endpoint` begins with http://: write https://.",
    )
}

/// Whether the error is the words of another signing-proxy. Its header field does not get here: no service may send one.
pub(super) fn is_another_proxys(error: &ErrorResponse) -> bool {
    error.message().starts_with(SPOKEN)
}

/// What is said of an error of another signing-proxy's own. That it does not permit the harmless request says nothing of
/// others.
pub(super) fn another_proxy(response: &ProbeResponse, error: &ErrorResponse) -> Outcome {
    let what = format!("{} {}: {}", response.status.as_u16(), code_of(error), error.message());
    let text = "another signing-proxy listens there, and these are its words: `endpoint` has to be the service itself, or \
                the listener that one connection of that proxy has to itself.";
    let finding = Finding::of(what, Cause::new(ResponsibleParty::Endpoint, text));
    if response.status == StatusCode::FORBIDDEN {
        Outcome::Warned(finding)
    } else {
        Outcome::Failed(finding)
    }
}

/// Who the response may come from, and what to correct.
pub(super) fn finding(response: &ProbeResponse, sent: &SentProbe<'_>, speaks_tls: bool) -> Finding {
    let what = format!("{}: not a response of {}", described(response), sent.service);
    if speaks_tls {
        return Finding::of(what, self::speaks_tls());
    }
    if response.status == StatusCode::PROXY_AUTHENTICATION_REQUIRED {
        let text = "the HTTP proxy on the way wants a login, or another one: correct [upstream.proxy].";
        return Finding::of(what, Cause::new(ResponsibleParty::EgressProxy, text));
    }
    let endpoint = Cause::new(ResponsibleParty::Endpoint, of_endpoint(response, sent));
    let is_trouble = response.status.is_server_error() || response.status == StatusCode::TOO_MANY_REQUESTS;
    let causes = if is_trouble {
        let text = "the service, or what stands in front of it, has trouble of its own: try again later.";
        vec![Cause::new(ResponsibleParty::Service, text), endpoint]
    } else {
        vec![endpoint]
    };
    Finding { what, causes }
}

fn of_endpoint(response: &ProbeResponse, sent: &SentProbe<'_>) -> String {
    let service = sent.service;
    if !sent.has_endpoint {
        return format!(
            "something in between responds in place of {service}: a captive portal or an HTTP proxy; or another service \
             is meant."
        );
    }
    match redirected_to(response).map(|to| to.scheme()) {
        Some(Scheme::Https) => format!(
            "a web server or captive portal that redirects every request: give `endpoint` the address that {service} \
             itself has, perhaps with https://."
        ),
        Some(Scheme::Http) => format!(
            "a web server or captive portal that redirects every request: give `endpoint` the address that {service} \
             itself has."
        ),
        None => format!(
            "what listens there is a web server or another program: correct host and port of `endpoint` (a server's \
             console often has a port beside that of its {service}), or `service`."
        ),
    }
}
