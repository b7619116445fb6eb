//! The responses to what is no request, on all listeners: logged, counted, and in the shape of all our errors.

use std::fmt::Write as _;

use bytes::Bytes;
use http::Response;
use http_server::{HeadStart, Peer, Rejection, RejectionHandler};
use proxy_core::error::{ProxyError, render_rejection};
use proxy_core::metrics::Metrics;

/// Responds to what is no request.
#[derive(Debug)]
pub(super) struct Rejections {
    metrics: Metrics,
}

impl Rejections {
    pub(super) fn new(metrics: Metrics) -> Self {
        Self { metrics }
    }
}

impl RejectionHandler for Rejections {
    fn reject(&self, rejection: Rejection, start: &HeadStart, peer: &Peer) -> Response<Bytes> {
        let error = ProxyError::from(rejection);
        let request_id = random_request_id();
        self.metrics.request_rejected(error.code());
        tracing::info!(
            client = %peer.addr,
            listener = %peer.listener,
            method = start.method,
            path = start.path,
            status = error.code().status().as_u16(),
            error = error.code().name(),
            request_id,
            "malformed request"
        );
        render_rejection(&error, &request_id)
    }
}

/// An id for a response that no request record belongs to.
fn random_request_id() -> String {
    let mut random = [0; 16];
    // Without randomness an id of zeros still responds; the next TLS handshake will say what is wrong.
    let _ = aws_lc_rs::rand::fill(&mut random);
    random.iter().fold(String::new(), |mut id, byte| {
        // Writing to a String cannot fail.
        let _ = write!(id, "{byte:02x}");
        id
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use resource_limits::ListenerRole;

    #[test]
    fn a_rejection_is_counted_by_its_code_and_has_an_id_of_its_own() {
        let metrics = Metrics::new();
        let rejections = Rejections::new(metrics.clone());
        let peer = Peer {
            addr: ([127, 0, 0, 1], 5).into(),
            listener: ListenerRole::Shared,
        };
        let responses = [(); 2].map(|()| rejections.reject(Rejection::Tls, &HeadStart::default(), &peer));
        let [first, second] = responses.map(|response| response.headers()["x-signing-proxy-request-id"].clone());
        assert!(first != second && first.len() == 32);
        let line = "signing_proxy_errors_total{connection=\"\",code=\"tls-unsupported\"} 2\n";
        assert!(metrics.encode().unwrap().contains(line));
    }
}
