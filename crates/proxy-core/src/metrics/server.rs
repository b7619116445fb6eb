//! What the HTTP server reports.

use http_server::{ConnectionEnd, OpenConnection, Overflow, ServerObserver};
use resource_limits::ListenerRole;

use super::Metrics;
use super::counting::GaugeGuard;
use super::labels::{ListenerLabel, OverflowLabel, ReasonLabel};

impl ServerObserver for Metrics {
    fn connection_opened(&self, listener: &ListenerRole) -> OpenConnection {
        let label = ListenerLabel::new(listener);
        let owner = || Some(listener.clone());
        self.0.clients_accepted.count(owner, &label, super::one_more);
        OpenConnection::new(GaugeGuard::new(self.0.clients.of_owner(listener.clone(), &label)))
    }

    fn connection_ended(&self, end: ConnectionEnd) {
        self.0.clients_ended.get_or_create(&ReasonLabel::of(end)).inc();
    }

    fn connection_overflowed(&self, overflow: Overflow) {
        self.0
            .clients_rejected
            .get_or_create(&OverflowLabel::of(overflow))
            .inc();
    }

    /// Probes of the proxy itself are not what operators want to see in flight.
    fn request_started(&self, listener: &ListenerRole) {
        if *listener != ListenerRole::Admin {
            self.0.in_flight.inc();
        }
    }

    fn request_finished(&self, listener: &ListenerRole) {
        if *listener != ListenerRole::Admin {
            self.0.in_flight.dec();
        }
    }

    fn accept_failed(&self) {
        self.0.accept_failures.inc();
    }

    fn listener_removed(&self, listener: &ListenerRole) {
        self.0.of_listeners.remove(listener);
    }
}
