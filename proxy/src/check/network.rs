//! DNS, TCP and TLS on the way to a host, each by itself.

use std::io;
use std::time::Duration;

use aws_endpoints::AddressRejected;
use egress::{AddressFilter, ConnectError, FirstHop, Protocols, TlsFailure, TlsVersion, connect, resolve};
use proxy_config::{EndpointUrl, Scheme};
use proxy_core::upstream::Network;

use super::report::{Cause, Finding, Outcome, ResponsibleParty, StepKind};
use super::steps::{Steps, Timer};
use crate::log::Chain;

/// Goes the way to the host as far as it leads. Whether it leads there. The addresses of hosts that are not the
/// operator's own have to be AWS's.
pub(super) async fn reach(
    steps: &mut Steps,
    network: &Network,
    url: &EndpointUrl,
    protocols: Protocols,
    connect_timeout: Duration,
    is_operators: bool,
) -> bool {
    let hop = network.first_hop(url);
    let timer = Timer::start();
    let filter = if is_operators || hop.is_proxy {
        AddressFilter::any()
    } else {
        network.address_filter()
    };
    let addresses = match resolve(&hop, connect_timeout).await {
        Ok(addresses) => {
            let shown: Vec<String> = addresses
                .iter()
                .take(3)
                .map(|address| address.ip().to_string())
                .collect();
            let more = addresses.len().saturating_sub(shown.len());
            let more = if more == 0 {
                String::new()
            } else {
                format!(" and {more} more")
            };
            let found = Outcome::passed(format!("{}{more}", shown.join(", ")));
            match filter.allowed(&hop.host, addresses) {
                Ok(addresses) => {
                    steps.push(StepKind::Dns, hop.host.clone(), found, timer);
                    addresses
                }
                Err(error) => {
                    let outcome = Outcome::Failed(of_rejected(&error));
                    steps.push(StepKind::Dns, hop.host.clone(), outcome, timer);
                    return false;
                }
            }
        }
        Err(error) => {
            steps.push(
                StepKind::Dns,
                hop.host.clone(),
                Outcome::Failed(of_name(&hop, &error)),
                timer,
            );
            return false;
        }
    };
    let place = format!("{}:{}", hop.host, hop.port);
    let timer = Timer::start();
    match connect(&addresses, connect_timeout).await {
        Ok(address) => steps.push(
            StepKind::Tcp,
            place,
            Outcome::passed(format!("connected to {address}")),
            timer,
        ),
        Err(error) => {
            steps.push(
                StepKind::Tcp,
                place,
                Outcome::Failed(of_connection(&hop, &error)),
                timer,
            );
            return false;
        }
    }
    match url.scheme() {
        Scheme::Http => true,
        Scheme::Https => shake_hands(steps, network, url, protocols, filter, connect_timeout).await,
    }
}

/// Whether the host of an `http` endpoint speaks TLS on that port, whatever its certificate is.
pub(super) async fn speaks_tls(
    network: &Network,
    url: &EndpointUrl,
    protocols: Protocols,
    connect_timeout: Duration,
) -> bool {
    let Ok(over_tls) = format!("https://{}:{}", url.host(), url.port_or_default()).parse() else {
        return false;
    };
    match network
        .connect(&over_tls, protocols, AddressFilter::any(), connect_timeout)
        .await
    {
        Ok(_) => true,
        Err(error) => matches!(
            error.tls_failure(),
            Some(TlsFailure::UntrustedIssuer | TlsFailure::WrongName | TlsFailure::Rejected)
        ),
    }
}

async fn shake_hands(
    steps: &mut Steps,
    network: &Network,
    url: &EndpointUrl,
    protocols: Protocols,
    filter: AddressFilter,
    connect_timeout: Duration,
) -> bool {
    let timer = Timer::start();
    match network.connect(url, protocols, filter, connect_timeout).await {
        Ok(connection) => {
            let version = match connection.tls_version() {
                Some(TlsVersion::Tls13) => "TLS 1.3",
                Some(TlsVersion::Tls12) => "TLS 1.2",
                None => "TLS",
            };
            let http = if connection.is_http2() { "HTTP/2" } else { "HTTP/1.1" };
            let found = Outcome::passed(format!("{version}, {http}, certificate trusted"));
            steps.push(StepKind::Tls, url.authority(), found, timer);
            true
        }
        Err(error) => {
            let finding = of_handshake(&error, &network.first_hop(url));
            steps.push(StepKind::Tls, url.authority(), Outcome::Failed(finding), timer);
            false
        }
    }
}

fn of_name(hop: &FirstHop, error: &io::Error) -> Finding {
    let cause = if hop.is_proxy {
        Cause::new(
            ResponsibleParty::EgressProxy,
            "the HTTP proxy's name has no address: correct [upstream.proxy], or HTTPS_PROXY and HTTP_PROXY.",
        )
    } else {
        Cause::new(
            ResponsibleParty::Dns,
            "the name is mistyped (`region`, `service`, `endpoint`), or this machine's resolver cannot resolve it: look at \
             /etc/resolv.conf, and at the private DNS of a VPC endpoint.",
        )
    };
    Finding::of(Chain(error).to_string(), cause)
}

fn of_rejected(error: &AddressRejected) -> Finding {
    let cause = Cause::new(
        ResponsibleParty::Dns,
        "somebody (the hosts file, the resolver, an emulator) has the name of an AWS service lead to this machine or its \
         link. Where that is meant, list the address in upstream.allow_addresses, or name the server in `endpoint`.",
    );
    Finding::of(error.to_string(), cause)
}

fn of_connection(hop: &FirstHop, error: &io::Error) -> Finding {
    let (party, text) = match (hop.is_proxy, error.kind()) {
        (true, _) => (
            ResponsibleParty::EgressProxy,
            "the HTTP proxy takes no connections: correct [upstream.proxy], or HTTPS_PROXY and HTTP_PROXY.",
        ),
        (false, io::ErrorKind::ConnectionRefused) => (
            ResponsibleParty::Tcp,
            "the machine is there, and nobody listens on this port: start the server, or correct the port of `endpoint`.",
        ),
        (false, io::ErrorKind::TimedOut) => (
            ResponsibleParty::Tcp,
            "nothing responds: a firewall or security group drops the packets, or there is no route (NAT, VPC endpoint).",
        ),
        (false, _) => (
            ResponsibleParty::Tcp,
            "there is no way to the address: look at routes and firewalls.",
        ),
    };
    Finding::of(Chain(error).to_string(), Cause::new(party, text))
}

fn of_handshake(error: &ConnectError, hop: &FirstHop) -> Finding {
    let is_before_tls = match error {
        ConnectError::Unreachable(_) | ConnectError::AddressRejected(_) | ConnectError::NoDescriptor(_) => true,
        ConnectError::TimedOut | ConnectError::Tls(_) => false,
    };
    let (party, text) = match error.tls_failure() {
        None if is_before_tls && hop.is_proxy => (
            ResponsibleParty::EgressProxy,
            "the HTTP proxy opens no tunnel to the host: its rules or its login ([upstream.proxy]) forbid it.",
        ),
        Some(TlsFailure::UntrustedIssuer) => (
            ResponsibleParty::Tls,
            "the certificate is signed by an authority that is not trusted here. If it is yours (a private service, a \
             TLS-inspecting proxy), name its certificate in upstream.ca_file; if not, do not.",
        ),
        Some(TlsFailure::WrongName) => (
            ResponsibleParty::Tls,
            "the certificate is for another name: `endpoint` has to name the host as its certificate does.",
        ),
        None | Some(TlsFailure::NotTls | TlsFailure::Rejected | TlsFailure::Broken) => (
            ResponsibleParty::Tls,
            "what listens there does not speak TLS, or not the versions 1.2 and 1.3: look at the scheme and port of \
             `endpoint`.",
        ),
    };
    Finding::of(Chain(error).to_string(), Cause::new(party, text))
}
