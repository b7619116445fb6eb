//! What a request's host means: AWS, a connection's endpoint, or the proxy itself.

use aws_endpoints::{AwsHost, HostError, parse_host};

use super::gateway::GatewayNames;
use super::view::View;
use super::{Routable, Route};
use crate::admit::{Admitted, HostPort, TargetForm};
use crate::error::{ErrorCode, ProxyError};

/// Whom the client wants to reach.
#[derive(Debug)]
pub(super) enum RequestedHost {
    /// An AWS service: what the host's name may mean, nearly always one thing.
    Aws(Vec<AwsHost>),
    /// The endpoint of a connection, or a bucket below its name.
    Endpoint,
    /// The proxy.
    Gateway {
        /// The bucket in the host's name.
        bucket: Option<String>,
    },
}

/// Reads the host, as the clients of a listener may mean it: endpoints of connections that it may not use are no names.
pub(super) fn classify<C: Routable>(
    request: &Admitted,
    view: &View<'_, C>,
    names: &GatewayNames,
) -> Result<RequestedHost, ProxyError> {
    let Some(host) = request.host() else {
        return Ok(RequestedHost::Gateway { bucket: None });
    };
    if view.connections().any(|one| place_at_url(one.route(), host).is_some()) {
        return Ok(RequestedHost::Endpoint);
    }
    // AWS listens on no other ports, and a request is never sent elsewhere than it was meant to go.
    let is_awss_port = matches!(host.port(), None | Some(80 | 443));
    match parse_host(host.host()) {
        Ok(_) | Err(HostError::Ambiguous { .. }) if !is_awss_port => {
            return Err(ProxyError::new(ErrorCode::HostUnknown)
                .with_hint("AWS hosts listen on ports 80 and 443 only; set the connection's endpoint for others."));
        }
        Ok(aws) => return Ok(RequestedHost::Aws(vec![aws])),
        Err(HostError::Ambiguous { readings }) => return Ok(RequestedHost::Aws(readings)),
        Err(HostError::NotAws | HostError::Malformed { .. }) => {}
        // A service newer than the tables: the host that they make of a connection's service and region is its own.
        Err(HostError::UnknownService) if view.connections().any(|one| is_aws_host_of(one.route(), host)) => {
            return Ok(RequestedHost::Endpoint);
        }
        Err(error) => {
            return Err(ProxyError::new(ErrorCode::HostUnsupported).with_hint(format!(
                "This host cannot be signed for: {error}. Use the service's regional host name."
            )));
        }
    }
    match request.form() {
        TargetForm::Absolute if !names.is_own_address(host) => Err(ErrorCode::HostUnknown.into()),
        TargetForm::Absolute | TargetForm::Origin => {
            let bucket = names.accept(host)?;
            Ok(RequestedHost::Gateway { bucket })
        }
    }
}

/// What of a route's endpoint a host means.
pub(super) enum Place {
    /// The endpoint itself.
    Itself,
    /// A bucket below its name.
    Bucket(String),
}

/// What of the route's endpoint the host means, or of AWS's host for its service and region; `None` for other hosts.
pub(super) fn place_at(route: &Route, host: Option<&HostPort>) -> Option<Place> {
    let host = host?;
    place_at_url(route, host).or_else(|| is_aws_host_of(route, host).then_some(Place::Itself))
}

fn is_aws_host_of(route: &Route, host: &HostPort) -> bool {
    route.endpoint().is_none() && host.host() == route.authority && matches!(host.port(), None | Some(80 | 443))
}

fn place_at_url(route: &Route, host: &HostPort) -> Option<Place> {
    let endpoint = route.endpoint()?;
    let is_port = match host.port() {
        Some(port) => port == endpoint.port_or_default(),
        None => endpoint.port_or_default() == endpoint.scheme().default_port(),
    };
    if !is_port {
        return None;
    }
    if host.host() == endpoint.host() {
        return Some(Place::Itself);
    }
    let bucket = host.host().strip_suffix(endpoint.host())?.strip_suffix('.')?;
    (route.traits.is_s3_family && !bucket.is_empty()).then(|| Place::Bucket(bucket.to_owned()))
}
