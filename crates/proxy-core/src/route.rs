//! Which connection a request is for, and where it goes.
//!
//! Forward mode: the host is an AWS host (or a connection's endpoint), and exactly one connection must serve its
//! service and region. Gateway mode: the host is one of the proxy's own names, and the connection is the listener's
//! own, the one that `x-signing-proxy-connection` or `/@NAME/` names, or the only one there is.
//!
//! Never a guess: what fits no connection or several is refused, and the hint lists those that the listener may use.
//!
//! A connection's own listener knows of no other connection: neither a hint nor the difference between two errors shows
//! its clients which others there are, nor where those lead.

mod gateway;
mod requested;
mod target;
mod view;

use std::collections::BTreeMap;
use std::sync::Arc;

use auth_model::{ConnectionName, Region};
use aws_endpoints::{AwsHost, Protocol, ServiceTraits, endpoint, traits_of};
use http::request::Parts;
use proxy_config::{BucketAddressing, Config, ConnectionConfig, EndpointUrl, Scheme};
use resource_limits::ListenerRole;
use signer::SigningScope;

use crate::admit::Admitted;
use crate::authenticate::{Authenticated, ClientIdentity};
use crate::error::{ErrorCode, ProxyError};
use gateway::GatewayNames;
use requested::{Place, RequestedHost};
use view::View;

pub use target::{SignatureVersion, Target, names_bucket};

/// Names the connection in gateway mode, and among several that serve one AWS host.
const CONNECTION_HEADER: &str = "x-signing-proxy-connection";

/// What routing knows of a connection.
#[derive(Debug)]
pub struct Route {
    /// The connection as configured.
    pub config: ConnectionConfig,
    /// How its service is signed and spoken to.
    pub traits: ServiceTraits,
    /// What its signatures are good for.
    pub scope: SigningScope,
    /// How its upstream is spoken to.
    pub scheme: Scheme,
    /// Its upstream's authority, where the client did not name one of its own.
    authority: String,
}

impl Route {
    /// The route of a connection.
    ///
    /// # Errors
    ///
    /// [`RouteError`] where it has nowhere to go.
    pub fn new(config: &ConnectionConfig) -> Result<Self, RouteError> {
        let connection = &config.connection;
        let traits = traits_of(&connection.service);
        let aws = endpoint(&connection.service, &connection.region, config.variant);
        let (scheme, authority) = match (&config.endpoint, &aws) {
            (Some(url), _) => (url.scheme(), url.authority()),
            (None, Ok(aws)) => (Scheme::Https, aws.host.clone()),
            (None, Err(_)) => {
                return Err(RouteError::NoEndpoint {
                    connection: connection.name.clone(),
                    region: connection.region.clone(),
                });
            }
        };
        let scope = SigningScope {
            // A global service signs for its home; an S3-compatible server's region is what the operator says.
            region: aws.map_or_else(|_| connection.region.clone(), |aws| aws.signing_region),
            name: connection
                .signing_name
                .clone()
                .unwrap_or_else(|| traits.signing_name.clone()),
        };
        Ok(Self {
            config: config.clone(),
            traits,
            scope,
            scheme,
            authority,
        })
    }

    /// Its connection's name.
    #[must_use]
    pub fn name(&self) -> &ConnectionName {
        &self.config.connection.name
    }

    /// Where requests go that name no host of their own: a host, with its port where that is not the scheme's.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// The endpoint that replaces AWS's.
    #[must_use]
    pub fn endpoint(&self) -> Option<&EndpointUrl> {
        self.config.endpoint.as_ref()
    }

    fn addresses_buckets_by_host(&self) -> bool {
        self.traits.is_s3_family && self.config.bucket_addressing == BucketAddressing::Virtual
    }

    /// Whether requests for the host are this connection's.
    #[must_use]
    pub fn serves(&self, host: &AwsHost) -> bool {
        self.config.serves(&self.scope.region, host)
    }
}

/// What a router chooses from: a connection's route, and whatever is kept beside it for its requests.
pub trait Routable {
    /// The connection's route.
    fn route(&self) -> &Arc<Route>;
}

impl Routable for Arc<Route> {
    fn route(&self) -> &Arc<Route> {
        self
    }
}

/// A request whose connection and destination are known. Only [`Router::route`] makes one.
#[derive(Debug)]
pub struct Routed<C> {
    request: Authenticated,
    target: Target,
    connection: Arc<C>,
}

impl<C> Routed<C> {
    /// The head as it came.
    pub fn head(&self) -> &Parts {
        self.request.head()
    }

    /// Where the request goes.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// The connection that was chosen.
    pub fn connection(&self) -> &Arc<C> {
        &self.connection
    }

    /// The head as it came, and where it goes.
    pub fn into_parts(self) -> (Parts, Target) {
        (self.request.into_head(), self.target)
    }
}

/// A connection that requests cannot be routed to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RouteError {
    /// Neither an AWS region nor an endpoint.
    #[error("connection {connection}: {region} is no AWS region, so it needs an endpoint")]
    NoEndpoint {
        /// The connection.
        connection: ConnectionName,
        /// Its region.
        region: Region,
    },
}

/// Finds the connection for a request.
#[derive(Debug)]
pub struct Router<C> {
    connections: BTreeMap<ConnectionName, Arc<C>>,
    names: GatewayNames,
    /// Whether the hints of the shared listener name the connections.
    lists_connections: bool,
}

impl<C: Routable> Router<C> {
    /// A router for the configured connections, each as `make` has it.
    ///
    /// # Errors
    ///
    /// [`RouteError`] where a connection has nowhere to go, and what `make` fails with.
    pub fn new<E: From<RouteError>>(
        config: &Config,
        mut make: impl FnMut(Arc<Route>) -> Result<C, E>,
    ) -> Result<Self, E> {
        // No connection is made before it is known that all have somewhere to go.
        let routes = config
            .connections
            .values()
            .map(Route::new)
            .collect::<Result<Vec<_>, _>>()?;
        let connections = routes.into_iter().map(|route| {
            let name = route.name().clone();
            Ok((name, Arc::new(make(Arc::new(route))?)))
        });
        Ok(Self {
            connections: connections.collect::<Result<_, E>>()?,
            names: GatewayNames::new(config),
            lists_connections: config.server.list_connections,
        })
    }

    /// Every connection, by name.
    pub fn connections(&self) -> impl Iterator<Item = &Arc<C>> {
        self.connections.values()
    }

    /// The connection of this name.
    #[must_use]
    pub fn connection(&self, name: &ConnectionName) -> Option<&Arc<C>> {
        self.connections.get(name)
    }

    /// The protocol of all connections of the listener, where they have one in common: the best guess for an error's shape.
    #[must_use]
    pub fn common_protocol(&self, listener: &ListenerRole) -> Option<Protocol> {
        let view = self.view(listener).ok()?;
        let mut protocols = view.connections().map(|one| one.route().traits.protocol);
        let first = protocols.next()?;
        protocols.all(|protocol| protocol == first).then_some(first)
    }

    /// The connection for a request, and where it goes.
    ///
    /// # Errors
    ///
    /// The codes of the table's second part; see [`ErrorCode`].
    pub fn route(&self, request: Authenticated, listener: &ListenerRole) -> Result<Routed<C>, ProxyError> {
        // Every client may use every connection of its listener. Another identity has to be looked at here.
        let ClientIdentity::Anonymous = request.client();
        let (connection, target) = self.choose(request.admitted(), listener)?;
        let connection = Arc::clone(connection);
        Ok(Routed {
            request,
            target,
            connection,
        })
    }

    fn choose(&self, request: &Admitted, listener: &ListenerRole) -> Result<(&Arc<C>, Target), ProxyError> {
        let view = self.view(listener)?;
        let chosen = match (view.own(), view.named_by_header(request)) {
            (own, Ok(named)) => own.or(named),
            // Whether another connection has this name is nothing that the clients of this one may find out.
            (Some(_), Err(error)) if error.code() == ErrorCode::ConnectionUnknown => {
                return Err(ProxyError::new(ErrorCode::ConnectionMismatch)
                    .with_hint("This listener belongs to one connection: name that one, or none."));
            }
            (_, Err(error)) => return Err(error),
        };
        match requested::classify(request, &view, &self.names)? {
            RequestedHost::Aws(readings) => by_host(&view, readings, request, chosen),
            RequestedHost::Endpoint => by_endpoint(&view, request, chosen),
            RequestedHost::Gateway { bucket } => by_gateway(&view, bucket.as_deref(), request, chosen),
        }
    }

    /// For a request that says nothing of its connection, such as a browser's preflight: whether its host means AWS, an
    /// endpoint or the proxy at all.
    ///
    /// # Errors
    ///
    /// The rejection that any request by that host gets.
    pub fn check_host(&self, request: &Admitted, listener: &ListenerRole) -> Result<(), ProxyError> {
        requested::classify(request, &self.view(listener)?, &self.names).map(drop)
    }

    fn view(&self, listener: &ListenerRole) -> Result<View<'_, C>, ErrorCode> {
        match listener {
            ListenerRole::Connection(name) => {
                let own = self.connections.get(name).ok_or(ErrorCode::Internal)?;
                Ok(View::Own(own))
            }
            ListenerRole::Shared => Ok(View::Shared {
                connections: &self.connections,
                is_listed: self.lists_connections,
            }),
            ListenerRole::Admin => Err(ErrorCode::Internal),
        }
    }
}

fn by_host<'a, C: Routable>(
    view: &View<'a, C>,
    readings: Vec<AwsHost>,
    request: &Admitted,
    chosen: Option<&'a Arc<C>>,
) -> Result<(&'a Arc<C>, Target), ProxyError> {
    let serves = |connection: &C| readings.iter().any(|host| connection.route().serves(host));
    let connection = match chosen {
        Some(chosen) if serves(chosen) => chosen,
        Some(_) => return Err(view.listing(ErrorCode::ConnectionMismatch)),
        None => {
            let serving = view.connections().filter(|one| serves(one));
            view.only(serving, ErrorCode::NoConnection)?
        }
    };
    let route = connection.route();
    let mut meant = readings.into_iter().filter(|host| route.serves(host));
    match (meant.next(), meant.next()) {
        (Some(host), None) => Ok((connection, Target::for_aws_host(route, host, request)?)),
        _ => Err(view.listing(ErrorCode::ConnectionAmbiguous)),
    }
}

fn by_endpoint<'a, C: Routable>(
    view: &View<'a, C>,
    request: &Admitted,
    chosen: Option<&'a Arc<C>>,
) -> Result<(&'a Arc<C>, Target), ProxyError> {
    let place_at = |connection: &C| requested::place_at(connection.route(), request.host());
    let connection = if let Some(chosen) = chosen {
        chosen
    } else {
        let serving = view.connections().filter(|one| place_at(one).is_some());
        view.only(serving, ErrorCode::NoConnection)?
    };
    // One connection's endpoint may be the name of a bucket below another's: the chosen one's meaning counts.
    let bucket = match place_at(connection) {
        Some(Place::Itself) => None,
        Some(Place::Bucket(bucket)) => Some(bucket),
        None => return Err(view.listing(ErrorCode::ConnectionMismatch)),
    };
    let target = Target::for_gateway(connection.route(), bucket.as_deref(), request.target());
    Ok((connection, target))
}

fn by_gateway<'a, C: Routable>(
    view: &View<'a, C>,
    bucket: Option<&str>,
    request: &Admitted,
    chosen: Option<&'a Arc<C>>,
) -> Result<(&'a Arc<C>, Target), ProxyError> {
    let target = request.target();
    let on = |connection: &'a Arc<C>, target: &str| {
        let target = Target::for_gateway(connection.route(), bucket, target);
        (connection, target)
    };
    if let Some(chosen) = chosen {
        return Ok(on(chosen, target));
    }
    if let Some((name, rest)) = gateway::split_prefix(target) {
        return Ok(on(view.named(name)?, &rest));
    }
    Ok(on(view.only(view.connections(), ErrorCode::NoConnection)?, target))
}

#[cfg(test)]
mod tests;
