//! What is said of connections for which no harmless request is known.

use aws_endpoints::{HostOwner, names_resources_by_host, parse_host};
use proxy_config::ConnectionConfig;

use super::report::{Cause, Finding, Outcome, ResponsibleParty};

/// The request step of such a connection: a warning where nothing shows that the service is at its address.
pub(super) fn outcome(config: &ConnectionConfig) -> Outcome {
    let service = &config.connection.service;
    let what = format!("not checkable: no harmless request is known for {service}; its signature is not checked");
    if is_program_of_somebody(config) {
        let text = format!(
            "behind the hosts of {service} stands somebody's own program, whose responses can be anything: send it a request \
             through the proxy."
        );
        return Outcome::Warned(Finding::of(what, Cause::new(ResponsibleParty::Service, text)));
    }
    let is_aws = |url: &proxy_config::EndpointUrl| parse_host(url.host()).is_ok();
    if config.endpoint.as_ref().is_none_or(is_aws) {
        return Outcome::skipped(format!(
            "no harmless request is known for {service}; its signature is not checked"
        ));
    }
    let text =
        format!("what listens at `endpoint` may be {service} or anything else: send it a request through the proxy.");
    Outcome::Warned(Finding::of(what, Cause::new(ResponsibleParty::Endpoint, text)))
}

/// Whether the responses are those of a customer's program: a Lattice service, a function URL, a REST API, `AppSync`.
fn is_program_of_somebody(config: &ConnectionConfig) -> bool {
    let of_endpoint = config.endpoint.as_ref().and_then(|url| parse_host(url.host()).ok());
    names_resources_by_host(&config.connection.service)
        || of_endpoint.is_some_and(|host| host.vpc_endpoint.is_none() && host.owner() == HostOwner::Somebody)
}

/// Whether requests go to hosts of the resources alone, since there is no `endpoint`.
pub(super) fn has_hosts_of_its_own(config: &ConnectionConfig) -> bool {
    config.endpoint.is_none() && names_resources_by_host(&config.connection.service)
}
