//! What a listener's clients may know of the connections.

use std::collections::BTreeMap;
use std::sync::Arc;

use auth_model::ConnectionName;

use super::{CONNECTION_HEADER, Route};
use crate::admit::Admitted;
use crate::error::{ErrorCode, ProxyError};

/// As many connections as fit into a hint.
const LISTED: usize = 20;

/// The connections that a listener may use.
#[derive(Debug)]
pub(super) enum View<'a> {
    /// The one whose own listener it is.
    Own(&'a Arc<Route>),
    /// All of them.
    Shared {
        routes: &'a BTreeMap<ConnectionName, Arc<Route>>,
        /// Whether hints name them: `server.list_connections`.
        is_listed: bool,
    },
}

impl<'a> View<'a> {
    /// The connection whose own listener it is.
    pub(super) fn own(&self) -> Option<&'a Arc<Route>> {
        match self {
            Self::Own(route) => Some(route),
            Self::Shared { .. } => None,
        }
    }

    /// The routes that requests may take, by name.
    pub(super) fn routes(&self) -> impl Iterator<Item = &'a Arc<Route>> + use<'a> {
        let (own, all) = match self {
            Self::Own(route) => (Some(*route), None),
            Self::Shared { routes, .. } => (None, Some(routes.values())),
        };
        own.into_iter().chain(all.into_iter().flatten())
    }

    /// The connection that the request's header names.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::ConnectionAmbiguous`] for two headers, [`ErrorCode::ConnectionUnknown`] for a name of none.
    pub(super) fn named_by_header(&self, request: &Admitted) -> Result<Option<&'a Arc<Route>>, ProxyError> {
        let mut values = request.head.headers.get_all(CONNECTION_HEADER).iter();
        let Some(value) = values.next() else {
            return Ok(None);
        };
        if values.next().is_some() {
            return Err(self.listing(ErrorCode::ConnectionAmbiguous));
        }
        self.named(value.to_str().unwrap_or_default()).map(Some)
    }

    /// The connection of this name.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::ConnectionUnknown`].
    pub(super) fn named(&self, name: &str) -> Result<&'a Arc<Route>, ProxyError> {
        self.routes()
            .find(|route| route.name().as_str() == name)
            .ok_or_else(|| self.listing(ErrorCode::ConnectionUnknown))
    }

    /// The only one of these routes.
    ///
    /// # Errors
    ///
    /// `none` where there is none, [`ErrorCode::ConnectionAmbiguous`] where there are several.
    pub(super) fn only(
        &self,
        mut routes: impl Iterator<Item = &'a Arc<Route>>,
        none: ErrorCode,
    ) -> Result<&'a Arc<Route>, ProxyError> {
        match (routes.next(), routes.next()) {
            (Some(route), None) => Ok(route),
            (None, _) => Err(self.listing(none)),
            (Some(_), Some(_)) => Err(self.listing(ErrorCode::ConnectionAmbiguous)),
        }
    }

    /// The error with the connections that the listener may use in its hint: names, services and regions, nothing else.
    pub(super) fn listing(&self, code: ErrorCode) -> ProxyError {
        if let Self::Shared { is_listed: false, .. } = self {
            return ProxyError::new(code);
        }
        let count = self.routes().count();
        let mut listed: Vec<String> = self
            .routes()
            .take(LISTED)
            .map(|route| {
                let connection = &route.config.connection;
                format!("{} ({}, {})", connection.name, connection.service, connection.region)
            })
            .collect();
        if count > LISTED {
            listed.push(format!("{} more", count - LISTED));
        }
        ProxyError::new(code).with_hint(format!("{} There are: {}.", code.hint(), listed.join(", ")))
    }
}
