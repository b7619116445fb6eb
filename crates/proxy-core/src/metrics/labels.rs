//! The labels of the metrics, each with a bounded set of values.

use auth_model::ConnectionName;
use http::{Method, StatusCode};
use http_server::{ConnectionEnd, Overflow};
use prometheus_client::encoding::EncodeLabelSet;
use resource_limits::ListenerRole;

use super::RequestSample;

/// Which connection; empty where none was chosen.
#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
pub(super) struct ConnectionLabel {
    connection: String,
}

impl ConnectionLabel {
    pub(super) fn new(connection: Option<&ConnectionName>) -> Self {
        Self {
            connection: connection.map(ToString::to_string).unwrap_or_default(),
        }
    }
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
pub(super) struct RequestLabels {
    connection: String,
    service: String,
    method: &'static str,
    status: &'static str,
}

impl RequestLabels {
    pub(super) fn of(sample: &RequestSample<'_>) -> Self {
        Self {
            connection: sample.connection.map(ToString::to_string).unwrap_or_default(),
            service: sample.service.map(ToString::to_string).unwrap_or_default(),
            method: known(sample.method),
            status: class(sample.status),
        }
    }
}

fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::PUT => "PUT",
        Method::POST => "POST",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        Method::CONNECT => "CONNECT",
        _ => "other",
    }
}

fn class(status: Option<StatusCode>) -> &'static str {
    match status.map(|status| status.as_u16() / 100) {
        Some(1) => "1xx",
        Some(2) => "2xx",
        Some(3) => "3xx",
        Some(4) => "4xx",
        Some(5) => "5xx",
        Some(_) => "other",
        None => "left",
    }
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
pub(super) struct ErrorLabels {
    connection: String,
    code: &'static str,
}

impl ErrorLabels {
    pub(super) fn new(connection: Option<&ConnectionName>, code: &'static str) -> Self {
        Self {
            connection: connection.map(ToString::to_string).unwrap_or_default(),
            code,
        }
    }
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
pub(super) struct ListenerLabel {
    listener: String,
}

impl ListenerLabel {
    pub(super) fn new(listener: &ListenerRole) -> Self {
        Self {
            listener: listener.to_string(),
        }
    }
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
pub(super) struct ReasonLabel {
    reason: &'static str,
}

impl ReasonLabel {
    /// How a client's connection ended.
    pub(super) const fn of(end: ConnectionEnd) -> Self {
        Self {
            reason: match end {
                ConnectionEnd::Closed => "closed",
                ConnectionEnd::Broken => "broken",
                ConnectionEnd::Rejected => "rejected",
                ConnectionEnd::IdleTimeout => "idle-timeout",
                ConnectionEnd::HeadTimeout => "head-timeout",
                ConnectionEnd::WriteTimeout => "write-timeout",
                ConnectionEnd::TooSlow => "too-slow",
                ConnectionEnd::HalfClosed => "half-closed",
                ConnectionEnd::Cut => "cut",
                ConnectionEnd::Evicted => "evicted",
            },
        }
    }
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
pub(super) struct OverflowLabel {
    outcome: &'static str,
}

impl OverflowLabel {
    /// What became of a connection for which there was no place.
    pub(super) const fn of(overflow: Overflow) -> Self {
        Self {
            outcome: match overflow {
                Overflow::Rejected => "rejected",
                Overflow::Closed => "closed",
            },
        }
    }
}
