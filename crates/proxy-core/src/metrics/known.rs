//! Which connections have numbers of their own: those that are configured.
//!
//! A reload takes connections away and brings others. What was counted for those that are gone is forgotten, and what
//! still ends for them is counted without a name: the number of series is bounded by the configuration, however often it
//! changes.

use std::collections::BTreeMap;

use auth_model::{Connection, ConnectionName, ServiceId};

use super::RequestSample;
use super::families::Families;

/// The configured connections; everything is known until somebody says which they are.
#[derive(Debug, Default)]
pub(super) struct Known(Option<BTreeMap<ConnectionName, ServiceId>>);

impl Known {
    /// The sample as it is counted.
    pub(super) fn name<'a>(&self, sample: &RequestSample<'a>) -> RequestSample<'a> {
        let is_known = match (&self.0, sample.connection) {
            (Some(known), Some(name)) => known.get(name) == sample.service,
            (None, _) | (_, None) => true,
        };
        if is_known {
            sample.clone()
        } else {
            RequestSample {
                connection: None,
                service: None,
                ..sample.clone()
            }
        }
    }

    /// Takes these for the configured ones; returns those that are gone, and whether only their service is another.
    pub(super) fn replace<'a>(
        &mut self,
        connections: impl Iterator<Item = &'a Connection>,
    ) -> Vec<(ConnectionName, ServiceId, Gone)> {
        let now: BTreeMap<_, _> = connections
            .map(|connection| (connection.name.clone(), connection.service.clone()))
            .collect();
        let before = self.0.take().unwrap_or_default();
        let gone = before.into_iter().filter_map(|(name, service)| match now.get(&name) {
            Some(same) if *same == service => None,
            Some(_) => Some((name, service, Gone::Service)),
            None => Some((name, service, Gone::Connection)),
        });
        let gone = gone.collect();
        self.0 = Some(now);
        gone
    }
}

/// What is there no longer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Gone {
    /// The connection.
    Connection,
    /// The connection with this service; it has another one now.
    Service,
}

impl Families {
    /// Removes the series of a connection that is gone, or has another service now.
    pub(super) fn remove(&self, name: ConnectionName, service: ServiceId, what: Gone) {
        if what == Gone::Connection {
            self.of_connections.remove(&name);
        }
        self.of_services.remove(&(name, service));
    }
}
