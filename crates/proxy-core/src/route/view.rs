//! What a listener's clients may know of the connections.

use std::collections::BTreeMap;
use std::sync::Arc;

use auth_model::ConnectionName;

use super::{CONNECTION_HEADER, Routable};
use crate::admit::Admitted;
use crate::error::{ErrorCode, ProxyError};

/// As many connections as fit into a hint.
const LISTED: usize = 20;

/// The connections that a listener may use.
#[derive(Debug)]
pub(super) enum View<'a, C> {
    /// The one whose own listener it is.
    Own(&'a Arc<C>),
    /// All of them.
    Shared {
        connections: &'a BTreeMap<ConnectionName, Arc<C>>,
        /// Whether hints name them: `server.list_connections`.
        is_listed: bool,
    },
}

impl<'a, C: Routable> View<'a, C> {
    /// The connection whose own listener it is.
    pub(super) fn own(&self) -> Option<&'a Arc<C>> {
        match self {
            Self::Own(own) => Some(own),
            Self::Shared { .. } => None,
        }
    }

    /// The connections that requests may use, by name.
    pub(super) fn connections(&self) -> impl Iterator<Item = &'a Arc<C>> + use<'a, C> {
        let (own, all) = match self {
            Self::Own(own) => (Some(*own), None),
            Self::Shared { connections, .. } => (None, Some(connections.values())),
        };
        own.into_iter().chain(all.into_iter().flatten())
    }

    /// The connection that the request's header names.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::ConnectionAmbiguous`] for two headers, [`ErrorCode::ConnectionUnknown`] for a name of none.
    pub(super) fn named_by_header(&self, request: &Admitted) -> Result<Option<&'a Arc<C>>, ProxyError> {
        let mut values = request.head().headers.get_all(CONNECTION_HEADER).iter();
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
    pub(super) fn named(&self, name: &str) -> Result<&'a Arc<C>, ProxyError> {
        self.connections()
            .find(|connection| connection.route().name().as_str() == name)
            .ok_or_else(|| self.listing(ErrorCode::ConnectionUnknown))
    }

    /// The only one of these connections.
    ///
    /// # Errors
    ///
    /// `none` where there is none, [`ErrorCode::ConnectionAmbiguous`] where there are several.
    pub(super) fn only(
        &self,
        mut connections: impl Iterator<Item = &'a Arc<C>>,
        none: ErrorCode,
    ) -> Result<&'a Arc<C>, ProxyError> {
        match (connections.next(), connections.next()) {
            (Some(only), None) => Ok(only),
            (None, _) => Err(self.listing(none)),
            (Some(_), Some(_)) => Err(self.listing(ErrorCode::ConnectionAmbiguous)),
        }
    }

    /// The error with the connections that the listener may use in its hint: names, services and regions, nothing else.
    pub(super) fn listing(&self, code: ErrorCode) -> ProxyError {
        if let Self::Shared { is_listed: false, .. } = self {
            return ProxyError::new(code);
        }
        let count = self.connections().count();
        let mut listed: Vec<String> = self
            .connections()
            .take(LISTED)
            .map(|listed| {
                let connection = &listed.route().config.connection;
                format!("{} ({}, {})", connection.name, connection.service, connection.region)
            })
            .collect();
        if count > LISTED {
            listed.push(format!("{} more", count - LISTED));
        }
        ProxyError::new(code).with_hint(format!("{} There are: {}.", code.hint(), listed.join(", ")))
    }
}
